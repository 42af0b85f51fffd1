import type {ImageServer} from '../server/image-server.ts'
import {parseServerAddress} from '../server/swarmui/address.ts'
import type {Connection} from './connect.ts'
import type {ServerSettings} from './settings.ts'

/**
 * As `connect`, but only when the server is asked for something: for commands that often need not. The client is a third of
 * what there is to load. Throws `UsageError` for an address that cannot be one.
 */
export function connectWhenNeeded(settings: ServerSettings): Connection {
  let connecting: Promise<Connection> | undefined
  const address = settings.server === 'mock' ? 'mock' : parseServerAddress(settings.server).display
  let connected: ImageServer | undefined
  const known: Partial<ImageServer> = {address, kind: 'swarmui', contact: () => connected?.contact() ?? {}}
  const server = new Proxy(known as ImageServer, {
    get(target, name: keyof ImageServer) {
      // All else that a server has answers with a promise; the object itself is none.
      if (name in target || String(name) === 'then') return target[name]
      return async (...args: never[]) => {
        connecting ??= import('./connect.ts').then(({connect}) => connect(settings))
        connected = (await connecting).server
        return (connected[name] as (...args: never[]) => unknown).apply(connected, args)
      }
    },
  })
  return {
    server,
    [Symbol.asyncDispose]: async () => {
      const connection = await connecting
      await connection?.[Symbol.asyncDispose]()
    },
  }
}
