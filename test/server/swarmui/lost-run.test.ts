import {describe, expect, test} from '@jest/globals'
import {UnreachableError} from '../../../src/errors.ts'
import {followLostRun} from '../../../src/server/swarmui/lost-run.ts'
import {manualClock} from '../../support/manual-clock.ts'

interface Poll {
  readonly waiting: number | 'away'
  readonly picture?: boolean
}

/** Plays polls one after the other; the last one repeats. */
function follow(polls: readonly Poll[], options: {restarted?: boolean; others?: number; signal?: AbortSignal} = {}) {
  const clock = manualClock()
  let at = -1
  const now = (): Poll => polls[Math.min(at, polls.length - 1)] ?? {waiting: 0}
  const answer = () => {
    if (now().waiting === 'away') throw new UnreachableError('away')
  }
  return followLostRun({
    find: async () => {
      answer()
      return now().picture ? {ref: 'View/local/ag/r/hero.jpg'} : undefined
    },
    restarted: async () => {
      answer()
      return options.restarted ?? false
    },
    waitingGens: async () => {
      answer()
      return Number(now().waiting)
    },
    othersRunning: () => options.others ?? 0,
    clock: {
      ...clock,
      sleep: async (ms, signal) => {
        signal?.throwIfAborted()
        at++
        clock.advance(ms)
      },
    },
    signal: options.signal ?? new AbortController().signal,
    patienceMs: 60_000,
  })
}

describe('a run whose connection broke', () => {
  test('is found when the server has finished it', async () => {
    await expect(follow([{waiting: 1}, {waiting: 1}, {waiting: 0, picture: true}])).resolves.toEqual({
      ref: 'View/local/ag/r/hero.jpg',
    })
  })

  test('is found after the server was away for a while', async () => {
    await expect(follow([{waiting: 'away'}, {waiting: 'away'}, {waiting: 0, picture: true}])).resolves.toBeDefined()
  })

  test('is gone at once when the server was restarted', async () => {
    await expect(follow([{waiting: 0}], {restarted: true})).rejects.toMatchObject({
      fault: 'failed',
      message: /restarted/,
    })
  })

  test('survives a restart that came after its picture was saved', async () => {
    await expect(follow([{waiting: 0, picture: true}], {restarted: true})).resolves.toBeDefined()
  })

  test('is gone when the counters stay down and there is no picture', async () => {
    await expect(follow([{waiting: 1}, {waiting: 0}, {waiting: 0}])).rejects.toMatchObject({fault: 'failed'})
  })

  test('is not given up while only the runs beside it explain part of the counter', async () => {
    await expect(follow([{waiting: 3}, {waiting: 3}, {waiting: 2, picture: true}], {others: 2})).resolves.toBeDefined()
  })

  test('is lost when the server stays away', async () => {
    await expect(follow([{waiting: 'away'}])).rejects.toMatchObject({fault: 'lost'})
  })

  test('is not followed any further once we are interrupted', async () => {
    const reason = new Error('stop')
    await expect(follow([{waiting: 1}], {signal: AbortSignal.abort(reason)})).rejects.toBe(reason)
  })
})
