import {setTimeout as delay} from 'node:timers/promises'

/**
 * What a promise comes to; or `late` after so many milliseconds, or when the step is cancelled: for libraries that know neither. What
 * they were at goes on unheard.
 */
export async function within<T>(ms: number, signal: AbortSignal, work: Promise<T>): Promise<T | 'late'> {
  const over = new AbortController()
  const late = delay(ms, 'late' as const, {signal: AbortSignal.any([signal, over.signal])}).catch(() => 'late' as const)
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
  }
}
