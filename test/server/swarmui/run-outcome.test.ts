import {describe, expect, test} from '@jest/globals'
import {GenerationError} from '../../../src/server/image-server.ts'
import {RunOutcome} from '../../../src/server/swarmui/run-outcome.ts'
import {recording, socketOf} from '../../support/recordings.ts'

/** Plays a recorded socket as if its request had been for one picture. */
function play(name: string, conn: string, {server = 'swarmui-0.9.8.2', steps = 8} = {}) {
  const {frames, code} = socketOf(recording(server, name), conn)
  const outcome = new RunOutcome(steps)
  const fractions: number[] = []
  let endedAfter = 0
  for (const frame of frames) {
    endedAfter++
    const ended = outcome.observe(frame)
    fractions.push(outcome.progress.fraction)
    if (ended) return {outcome, fractions, left: frames.length - endedAfter, end: 'intended' as const}
  }
  return {outcome, fractions, left: 0, end: code ?? 1006}
}

function faultOf(name: string, conn: string, server?: string): string {
  const {outcome, end} = play(name, conn, server ? {server} : {})
  try {
    outcome.conclude(end)
  } catch (error) {
    if (error instanceof GenerationError) return error.fault
    throw error
  }
  return 'none'
}

test('a connection that a server closes with 1011 is refused before the request was taken, and broken after it', () => {
  const outcome = new RunOutcome(8)
  expect(() => outcome.conclude(1011)).toThrow(expect.objectContaining({fault: 'rejected'}))
  outcome.observe({status: {waiting_gens: 1, loading_models: 0, waiting_backends: 0, live_gens: 0}})
  expect(() => outcome.conclude(1011)).toThrow(expect.objectContaining({fault: 'lost'}))
})

describe('the outcome of a recorded run', () => {
  test('is the picture with the seed and model that the server used', () => {
    const {outcome, end} = play('02-generate-ws', 'a')
    expect(outcome.conclude(end)).toEqual({
      ref: 'View/local/raw/2026-11-21/0210001-a red fox stubstep100-stubsd15.png',
      seed: 42,
      model: 'stub/sd15',
    })
  })

  test('is known before the server closes: one status frame and the close are not waited for', () => {
    const {end, left} = play('02-generate-ws', 'a')
    expect(end).toBe('intended')
    expect(left).toBe(1)
  })

  test('has a progress that never falls and knows the step', () => {
    const {outcome, fractions} = play('02-generate-ws', 'a')
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b))
    expect(outcome.progress).toEqual({fraction: 1, step: 8, steps: 8})
    expect(outcome.accepted).toBe(true)
  })

  test.each([
    ['the backend refuses the workflow', '14-backend-fails', 'stubreject', 'rejected'],
    ['a node fails', '14-backend-fails', 'stubfail', 'failed'],
    ['the backend drops the connection', '14-backend-fails', 'stubcrash', 'failed'],
    ['the backend gives nothing, whatever else was interrupted by that', '14-backend-fails', 'stubempty', 'failed'],
    ['errors are swallowed', '14-backend-fails', 'swallow', 'empty'],
    ['somebody interrupted it while it ran', '06-interrupt-running', 'a', 'interrupted'],
    ['it was interrupted while it waited', '07-interrupt-queued', 'queued', 'empty'],
    ['it was interrupted before a backend took it', '30-interrupt-after-done', 'a', 'empty'],
    ['there is no backend', '17-no-backends', 'a', 'failed'],
    ['a parameter is refused', '12-bad-parameters', 'w7', 'rejected'],
    ['an argument is missing, and there is no intention to close', '12-bad-parameters', 'w12', 'rejected'],
    [
      'the server says that it interrupted the rest when another picture failed',
      '21-limited-user',
      'limited',
      'rejected',
    ],
  ])('is a failure when %s', (_what, name, conn, fault) => {
    expect(faultOf(name, conn)).toBe(fault)
  })

  test('is lost when the server dies after it took the request', () => {
    const {frames, code} = socketOf(recording('swarmui-0.9.8.2', '19-server-killed'), 'a')
    const outcome = new RunOutcome()
    for (const frame of frames.filter((frame) => !JSON.stringify(frame).includes('"image"'))) outcome.observe(frame)
    expect(outcome.accepted).toBe(true)
    expect(() => outcome.conclude(code ?? 0)).toThrow(expect.objectContaining({fault: 'lost'}) as unknown as Error)
  })

  test.each(['swarmui-0.9.8.2', 'swarmui-0.9.7'])(
    'is an unknown session on %s, told before anything was queued',
    (server) => {
      const name = '13-request-errors'
      if (server === 'swarmui-0.9.8.2') expect(play(name, 'bad-session', {server}).outcome.sessionUnknown).toBe(true)
      else expect(play(name, 'bad-session', {server}).outcome.sessionUnknown).toBe(true)
    },
  )

  test('of 0.9.7 is a rejection when the server could not read the request (1011)', () => {
    expect(faultOf('13-request-errors', 'not-json', 'swarmui-0.9.7')).toBe('rejected')
  })

  test('counts a normal close after discard_indices as an orderly end: servers before 2024-10-30', () => {
    const outcome = new RunOutcome()
    outcome.observe({discard_indices: []})
    expect(() => outcome.conclude(1000)).toThrow(expect.objectContaining({fault: 'empty'}) as unknown as Error)
  })

  test.each([
    ['a grid', {image: 'View/x.png', batch_index: '-1'}],
    ['an intermediate picture', {image: 'View/x.png', batch_index: -11}],
    ['an extra output', {image: 'View/x.png', batch_index: '1'}],
  ])('is never %s', (_what, frame) => {
    const outcome = new RunOutcome()
    outcome.observe(frame)
    expect(() => outcome.conclude('intended')).toThrow(GenerationError)
  })

  test('is nothing when the server discarded the picture', () => {
    const outcome = new RunOutcome()
    outcome.observe({image: 'View/x.png', batch_index: '0'})
    outcome.observe({discard_indices: [0]})
    expect(() => outcome.conclude('intended')).toThrow(GenerationError)
  })

  test.each([
    undefined,
    null,
    7,
    'text',
    [],
    {status: 'nonsense'},
    {gen_progress: {overall_percent: 'NaN'}},
    {gen_progress: {overall_percent: 'Infinity'}},
  ])('survives the frame %j', (frame) => {
    const outcome = new RunOutcome(8)
    expect(outcome.observe(frame)).toBe(false)
    expect(outcome.progress.fraction).toBe(0)
  })
})
