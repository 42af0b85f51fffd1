import type {Clock} from '../../src/clock.ts'

export interface ManualClock extends Clock {
  /** Moves both clocks on and wakes whoever has slept long enough. */
  advance(ms: number): void
  /** Moves only the wall clock, as a correction of the system's time does. */
  jump(ms: number): void
}

/** A clock that stands still until it is told to move. */
export function manualClock(start = Date.parse('2026-02-14T20:35:00.000Z')): ManualClock {
  let wall = start
  let monotonic = 0
  const sleepers = new Set<{readonly until: number; readonly wake: () => void}>()
  return {
    now: () => wall,
    monotonic: () => monotonic,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const sleeper = {until: monotonic + ms, wake: resolve}
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        })
      }),
    advance(ms) {
      wall += ms
      monotonic += ms
      for (const sleeper of sleepers) {
        if (sleeper.until > monotonic) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
    jump(ms) {
      wall += ms
    },
  }
}
