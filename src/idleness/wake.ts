import type {Clock} from '../clock.ts'

/** Changes come in bursts: each ends a sleep at once, but no more often than this. */
const BURST_MS = 100

/** The sleep between two looks, which ends early when something happens. */
export class Wake {
  readonly #clock: Clock
  #sleeper: AbortController | undefined
  #wokeAt = Number.NEGATIVE_INFINITY
  #happened = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something happened: end the sleep, this one or the next. */
  now(): void {
    this.#happened = true
    this.#sleeper?.abort()
  }

  /** Resolves after `ms`, or when it is woken; rejects with the signal's reason. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const until = this.#clock.monotonic() + ms
    if (!this.#happened) await this.#sleepUntil(until, signal)
    if (!this.#happened) return
    const rest = Math.min(until - this.#clock.monotonic(), this.#burstLeft())
    if (rest > 0) await this.#clock.sleep(rest, signal)
    this.#happened = false
    this.#wokeAt = this.#clock.monotonic()
  }

  async #sleepUntil(until: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    this.#sleeper = woken
    try {
      await this.#clock.sleep(until - this.#clock.monotonic(), AbortSignal.any([signal, woken.signal]))
    } catch (error) {
      signal.throwIfAborted()
      if (!woken.signal.aborted) throw error
    } finally {
      this.#sleeper = undefined
    }
  }

  #burstLeft(): number {
    return Math.max(0, BURST_MS - (this.#clock.monotonic() - this.#wokeAt))
  }
}
