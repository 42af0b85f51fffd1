import type {Clock} from '../clock.ts'

/** Changes come in bursts: each ends a sleep at once, but no more often than this. */
const BURST_MS = 100

/** The sleep between two looks, which ends early when something happens. */
export class Wake {
  readonly #clock: Clock
  #sleeper: AbortController | undefined
  #wokeAt = Number.NEGATIVE_INFINITY
  #missed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something happened: end the sleep, or shorten the next one. */
  now(): void {
    if (!this.#sleeper || this.#burstLeft() > 0) {
      this.#missed = true
      return
    }
    this.#wokeAt = this.#clock.monotonic()
    this.#sleeper.abort()
  }

  /** Resolves after `ms`, or when it is woken; rejects with the signal's reason. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    this.#sleeper = woken
    const soon = this.#missed ? Math.min(ms, this.#burstLeft()) : ms
    this.#missed = false
    try {
      await this.#clock.sleep(soon, AbortSignal.any([signal, woken.signal]))
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
