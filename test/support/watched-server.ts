import type {ImageServer} from '../../src/server/image-server.ts'

export interface WatchedServer {
  readonly server: ImageServer
  /** How many calls are under way, and how many there were at most. */
  readonly calls: {now: number; most: number}
}

/** A server whose calls are counted. */
export function watched(server: ImageServer): WatchedServer {
  const calls = {now: 0, most: 0}
  const counting = new Proxy(server, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        const answer: unknown = member.apply(target, args)
        if (!(answer instanceof Promise)) return answer
        calls.now++
        calls.most = Math.max(calls.most, calls.now)
        return answer.finally(() => {
          calls.now--
        })
      }
    },
  })
  return {server: counting, calls}
}
