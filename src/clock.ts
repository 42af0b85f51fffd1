import {setTimeout as delay} from 'node:timers/promises'

/** Time as operations see it, so that no test sleeps. */
export interface Clock {
  /** Wall clock, milliseconds since 1970: for stamps that people read. */
  now(): number
  /** Milliseconds from an arbitrary origin that never goes back: for durations and deadlines. */
  monotonic(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal ? {signal} : {})
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}
