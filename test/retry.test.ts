import {describe, expect, test} from '@jest/globals'
import {withRetries} from '../src/retry.ts'
import {manualClock} from './support/manual-clock.ts'

function failing(times: number, error: unknown = new Error('again')) {
  let left = times
  return async () => {
    if (left-- > 0) throw error
    return 'made'
  }
}

function options(overrides: Partial<Parameters<typeof withRetries>[1]> = {}) {
  const slept: number[] = []
  const clock = {...manualClock(), sleep: async (ms: number) => void slept.push(ms)}
  return {
    slept,
    use: {retries: 2, delayMs: 1000, clock, signal: new AbortController().signal, transient: () => true, ...overrides},
  }
}

describe('retries', () => {
  test('wait longer each time and end with the first success', async () => {
    const {slept, use} = options()
    await expect(withRetries(failing(2), use)).resolves.toBe('made')
    expect(slept).toEqual([1000, 4000])
  })

  test('end with the last failure when they are used up', async () => {
    const {slept, use} = options()
    await expect(withRetries(failing(9), use)).rejects.toThrow('again')
    expect(slept).toHaveLength(2)
  })

  test('are not made for what is not transient', async () => {
    const {slept, use} = options({transient: () => false})
    await expect(withRetries(failing(1), use)).rejects.toThrow('again')
    expect(slept).toEqual([])
  })

  test('end with the reason of the signal once it is aborted', async () => {
    const {use} = options({signal: AbortSignal.abort(new Error('stopped'))})
    await expect(withRetries(failing(1), use)).rejects.toThrow('stopped')
  })
})
