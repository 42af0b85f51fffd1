import {describe, expect, test} from '@jest/globals'
import {judgeServer} from '../../src/idleness/verdict.ts'
import type {ActivityCounters, ActivitySample} from '../../src/server/image-server.ts'

const counters = (of: Partial<ActivityCounters> = {}): ActivityCounters => ({
  waitingGens: 0,
  loadingModels: 0,
  waitingBackends: 0,
  liveGens: 0,
  ...of,
})
const quiet: ActivitySample = {
  activity: counters(),
  backendStatus: {status: 'running', message: '', loading: false},
  readiness: {usable: true},
}
const {activity: _, ...blind} = quiet

describe('the verdict on a server', () => {
  test.each<[string, ActivitySample, number, string, RegExp]>([
    ['all counters 0', quiet, 0, 'idle', /nothing waits/],
    ['a picture waits', {...quiet, activity: counters({waitingGens: 1})}, 0, 'busy', /^1 picture waiting or running$/],
    ['only a model load', {...quiet, activity: counters({loadingModels: 2})}, 0, 'busy', /^2 model loads$/],
    ['only a wait for a backend', {...quiet, activity: counters({waitingBackends: 1})}, 0, 'busy', /1 waiting for/],
    ['only a live one', {...quiet, activity: counters({liveGens: 1})}, 0, 'busy', /1 at a backend/],
    [
      'who it is',
      {
        ...quiet,
        activity: counters({waitingGens: 3, liveGens: 1}),
        busyUsers: [
          {user: 'alice', waitingGens: 2},
          {user: 'bob', waitingGens: 1},
        ],
      },
      0,
      'busy',
      /^3 pictures waiting or running, 1 at a backend \(alice 2, bob 1\)$/,
    ],
    [
      'any backend loading',
      {...quiet, backendStatus: {status: 'running', message: '', loading: true}},
      0,
      'busy',
      /loading/,
    ],
    [
      'some_loading',
      {...quiet, backendStatus: {status: 'some_loading', message: '', loading: false}},
      0,
      'busy',
      /loading/,
    ],
    [
      'work in the Comfy queue alone',
      {...quiet, queues: [{backend: '0', entries: {running: 1, pending: 2}}]},
      0,
      'busy',
      /behind backend 0: 1 running, 2 pending/,
    ],
    ['an empty Comfy queue', {...quiet, queues: [{backend: '0', entries: {running: 0, pending: 0}}]}, 0, 'idle', /./],
    ['a Comfy queue that does not answer', {...quiet, queues: [{backend: '0'}]}, 0, 'unknown', /did not answer/],
    [
      'counters that nobody tells us',
      {...blind, activityUnknown: {because: 'permission', message: 'no permission'}},
      0,
      'unknown',
      /^no permission$/,
    ],
    [
      'a busy Comfy queue where the counters are unknown',
      {...blind, queues: [{backend: '1', entries: {running: 1, pending: 0}}]},
      0,
      'busy',
      /backend 1/,
    ],
    ['a queue within the limit', {...quiet, activity: counters({waitingGens: 2, liveGens: 1})}, 2, 'idle', /./],
    ['a queue over the limit', {...quiet, activity: counters({waitingGens: 3})}, 2, 'busy', /3 pictures/],
    [
      'a Comfy queue over the limit',
      {...quiet, queues: [{backend: '0', entries: {running: 1, pending: 2}}]},
      2,
      'busy',
      /./,
    ],
    [
      'a Comfy queue within the limit, which is not empty',
      {...quiet, queues: [{backend: '0', entries: {running: 1, pending: 0}}]},
      2,
      'idle',
      /./,
    ],
  ])('%s', (_what, sample, maxQueue, idleness, reason) => {
    const verdict = judgeServer(sample, maxQueue)
    expect(verdict.idleness).toBe(idleness)
    expect(verdict.reason).toMatch(reason)
    expect(verdict.evidence[0]).toMatchObject({source: 'GetGlobalStatus'})
    for (const [at, {entries}] of (sample.queues ?? []).entries()) {
      const empty = entries?.running === 0 && entries.pending === 0
      expect(/is empty/.test(verdict.evidence.at(at - (sample.queues?.length ?? 0))?.detail ?? '')).toBe(empty)
    }
  })
})
