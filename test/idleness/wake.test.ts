import {describe, expect, test} from '@jest/globals'
import {Wake} from '../../src/idleness/wake.ts'
import {manualClock} from '../support/manual-clock.ts'

const never = new AbortController().signal
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A sleep, and whether it is over. */
function asleep(wake: Wake, ms: number): {over: boolean} {
  const state = {over: false}
  void wake.sleep(ms, never).then(() => {
    state.over = true
  })
  return state
}

describe('a sleep between looks', () => {
  test('ends by itself', async () => {
    const clock = manualClock()
    const sleep = asleep(new Wake(clock), 1000)
    clock.advance(999)
    await settled()
    expect(sleep.over).toBe(false)
    clock.advance(1)
    await settled()
    expect(sleep.over).toBe(true)
  })

  test('ends at once when something happens', async () => {
    const clock = manualClock()
    const wake = new Wake(clock)
    const sleep = asleep(wake, 1000)
    wake.now()
    await settled()
    expect(sleep.over).toBe(true)
  })

  test('is short when something happened while nobody slept', async () => {
    const clock = manualClock()
    const wake = new Wake(clock)
    wake.now()
    const sleep = asleep(wake, 60_000)
    await settled()
    expect(sleep.over).toBe(true)
  })

  test('ends no more often than ten times a second', async () => {
    const clock = manualClock()
    const wake = new Wake(clock)
    asleep(wake, 1000)
    wake.now()
    await settled()
    clock.advance(30)
    const second = asleep(wake, 1000)
    wake.now()
    await settled()
    expect(second.over).toBe(false)
    clock.advance(70)
    await settled()
    expect(second.over).toBe(true)
  })

  test('rejects with the reason of its signal', async () => {
    const controller = new AbortController()
    const sleep = new Wake(manualClock()).sleep(1000, controller.signal)
    controller.abort(new Error('enough'))
    await expect(sleep).rejects.toThrow('enough')
  })
})
