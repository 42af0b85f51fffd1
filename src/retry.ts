import type {Clock} from './clock.ts'

interface RetryOptions {
  /** How often it is tried again after the first failure. */
  readonly retries: number
  /** Milliseconds before the first retry; four times as long before each further one. */
  readonly delayMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Whether another try may help. Everything else is thrown at once. */
  readonly transient: (error: unknown) => boolean
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => Promise<void> | void
}

/** Does what `attempt` does, again after transient failures. Throws the last failure, or the signal's reason. */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const {retries, clock, signal, transient, onRetry} = options
  for (let failures = 0, delayMs = options.delayMs; ; delayMs *= 4) {
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      failures++
      if (failures > retries || !transient(error)) throw error
      await onRetry?.(error, failures + 1, delayMs)
      await clock.sleep(delayMs, signal)
    }
  }
}
