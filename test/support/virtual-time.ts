import type {Clock} from '../../src/clock.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

export interface VirtualTime extends Clock {
  /** Lets time pass, from one sleeper to the next, until `work` is done; it stands still while `busy` says so. */
  run<T>(work: Promise<T>, busy?: () => boolean): Promise<T>
  /** From this moment of the monotonic clock on, the wall clock is so much further: the machine was suspended. */
  suspend(at: number, ms: number): void
}

/** Time that passes as fast as those who sleep can be woken. */
export function virtualTime(start = Date.parse('2026-02-14T20:35:00.000Z')): VirtualTime {
  let monotonic = 0
  const sleepers = new Set<Sleeper>()
  const suspensions: {readonly at: number; readonly ms: number}[] = []
  const suspended = (): number => suspensions.reduce((sum, {at, ms}) => (monotonic >= at ? sum + ms : sum), 0)
  return {
    now: () => start + monotonic + suspended(),
    monotonic: () => monotonic,
    suspend: (at, ms) => suspensions.push({at, ms}),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const sleeper: Sleeper = {
          until: monotonic + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        const onAbort = (): void => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', onAbort, {once: true})
      }),
    async run(work, busy = () => false) {
      let done = false
      const finished = work.finally(() => {
        done = true
      })
      // Whoever awaits the result hears of a rejection; this loop only drives.
      finished.catch(() => {})
      while (!done) {
        await new Promise((resolve) => setImmediate(resolve))
        const next = [...sleepers].reduce<Sleeper | undefined>(
          (first, sleeper) => (first && first.until <= sleeper.until ? first : sleeper),
          undefined,
        )
        if (done || !next || busy()) continue
        sleepers.delete(next)
        monotonic = Math.max(monotonic, next.until)
        next.wake()
      }
      return finished
    },
  }
}
