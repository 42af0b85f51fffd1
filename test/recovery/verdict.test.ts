import {describe, expect, test} from '@jest/globals'
import {judgeSession, type RecoveryVerdict, type Witnesses} from '../../src/recovery/verdict.ts'

const VALUES = {
  history: ['none', 'active', 'completed', 'failed', 'bad'],
  snapshot: ['none', 'active', 'completed', 'failed', 'bad'],
  outputs: ['none', 'partial', 'complete', 'unseen'],
  owner: ['self', 'alive', 'dead', 'foreign', 'unknown'],
  submission: ['none', 'intent', 'ack'],
  server: ['unasked', 'picture', 'running', 'gone', 'unknown'],
  stopAsked: [false, true],
  age: ['fresh', 'stale', 'very_stale', 'given_up'],
} as const satisfies {readonly [Key in keyof Witnesses]: readonly Witnesses[Key][]}

/** Every combination: 5 x 5 x 4 x 5 x 3 x 5 x 2 x 4. */
const ALL: readonly Witnesses[] = Object.entries(VALUES).reduce<readonly object[]>(
  (sofar, [key, values]) => sofar.flatMap((known) => values.map((value) => ({...known, [key]: value}))),
  [{}],
) as readonly Witnesses[]

const EVERY: readonly (readonly [Witnesses, RecoveryVerdict])[] = ALL.map((known) => [known, judgeSession(known)])

/** How the world is after a verdict was carried out. */
function carriedOut(known: Witnesses, {action, state}: RecoveryVerdict): Witnesses {
  const history = state === 'completed' ? 'completed' : 'failed'
  const view = known.snapshot === 'none' ? 'none' : history
  switch (action) {
    case 'none':
    case 'ask_server':
    case 'reattach':
      return known
    case 'heal':
      return {...known, snapshot: view}
    case 'adopt_from_disk':
    case 'adopt_from_server':
      return {...known, history, snapshot: view, outputs: 'complete'}
    case 'settle':
      return {...known, history, snapshot: view}
    case 'import':
      return {...known, history, snapshot: known.snapshot === history ? history : view}
    case 'quarantine':
      return {...known, history: 'none', snapshot: 'none'}
  }
}

function failures(holds: (known: Witnesses, verdict: RecoveryVerdict) => boolean): unknown[] {
  return EVERY.filter(([known, verdict]) => !holds(known, verdict)).slice(0, 3)
}

const isTerminal = (state: string): boolean => ['completed', 'failed', 'cancelled', 'lost'].includes(state)

describe('the truth table', () => {
  test('has an answer for every combination, and uses every row', () => {
    expect(EVERY).toHaveLength(60_000)
    expect(failures((_, {row, because, reason}) => row >= 1 && row <= 15 && because !== '' && reason !== '')).toEqual(
      [],
    )
    expect(new Set(EVERY.map(([, {row}]) => row)).size).toBe(15)
  })

  test('leaves a settled session as it is', () => {
    expect(failures(({history}, {state}) => history !== 'completed' || state === 'completed')).toEqual([])
    expect(failures(({history}, {state}) => history !== 'failed' || state === 'failed')).toEqual([])
    expect(
      failures(
        ({history}, {action}) =>
          (history !== 'completed' && history !== 'failed') || action === 'none' || action === 'heal',
      ),
    ).toEqual([])
  })

  test('never touches what a live process writes', () => {
    expect(
      failures(
        ({history, owner}, {action, state}) =>
          history !== 'active' || (owner !== 'self' && owner !== 'alive') || (action === 'none' && state === 'live'),
      ),
    ).toEqual([])
  })

  test('never touches what nobody can ask after', () => {
    expect(
      failures(({history, owner}, {action}) => history !== 'active' || owner !== 'unknown' || action === 'none'),
    ).toEqual([])
  })

  test('calls nothing completed without evidence', () => {
    expect(
      failures(
        ({history, snapshot, outputs, server}, {state}) =>
          state !== 'completed' ||
          history === 'completed' ||
          snapshot === 'completed' ||
          outputs === 'complete' ||
          server === 'picture',
      ),
    ).toEqual([])
  })

  test('lets be made again only what was never sent, or what the server has not', () => {
    expect(
      failures(
        ({submission, server, history}, {retryable}) =>
          !retryable || (history === 'active' && (submission === 'none' || server === 'gone')),
      ),
    ).toEqual([])
  })

  test('settles nothing that may still be running', () => {
    expect(
      failures(({server, history, submission, outputs}, {state}) => {
        const mayRun = history === 'active' && outputs !== 'complete' && submission !== 'none' && server === 'running'
        return !mayRun || !isTerminal(state)
      }),
    ).toEqual([])
  })

  test('comes to rest after one step, with the same end', () => {
    expect(
      failures((known, verdict) => {
        const after = judgeSession(carriedOut(known, verdict))
        if (['ask_server', 'reattach', 'none'].includes(verdict.action)) return true
        if (verdict.action === 'quarantine') return after.action === 'none' || after.row !== 14
        const end = verdict.state === 'completed' ? 'completed' : 'failed'
        return after.action === 'none' && after.state === end
      }),
    ).toEqual([])
  })

  test('growing older turns nothing that was over into something else', () => {
    expect(
      failures((known, verdict) => {
        if (!isTerminal(verdict.state)) return true
        return VALUES.age
          .slice(VALUES.age.indexOf(known.age))
          .every((age) => judgeSession({...known, age}).state === verdict.state)
      }),
    ).toEqual([])
  })

  test('growing older never makes anything completed', () => {
    expect(
      failures(
        (known, {state}) =>
          state === 'completed' || VALUES.age.every((age) => judgeSession({...known, age}).state !== 'completed'),
      ),
    ).toEqual([])
  })

  test('does not mind what the server says once the disk has spoken', () => {
    expect(
      failures(
        (known, {row, state}) =>
          known.outputs !== 'complete' ||
          VALUES.server.every((server) => {
            const other = judgeSession({...known, server})
            return other.row === row && other.state === state
          }),
      ),
    ).toEqual([])
  })

  test.each<[number, Partial<Witnesses>, Partial<RecoveryVerdict>]>([
    [1, {history: 'completed', snapshot: 'active'}, {state: 'completed', action: 'heal', flags: ['outputs_missing']}],
    [2, {history: 'failed', outputs: 'complete'}, {state: 'failed', action: 'none', flags: ['outputs_present']}],
    [3, {owner: 'alive'}, {state: 'live', action: 'none'}],
    [4, {owner: 'unknown'}, {state: 'unverified', action: 'none'}],
    [5, {outputs: 'complete'}, {state: 'completed', action: 'adopt_from_disk'}],
    [6, {submission: 'ack'}, {state: 'orphaned', action: 'ask_server'}],
    [6, {submission: 'ack', server: 'picture'}, {state: 'completed', action: 'adopt_from_server'}],
    [6, {submission: 'ack', server: 'running'}, {state: 'running', action: 'reattach'}],
    [6, {submission: 'ack', server: 'gone'}, {state: 'lost', reason: 'gone', retryable: true}],
    [6, {submission: 'ack', server: 'gone', stopAsked: true}, {state: 'cancelled'}],
    [7, {submission: 'intent', server: 'unknown'}, {state: 'unverified', action: 'none'}],
    [7, {submission: 'intent', server: 'unknown', age: 'given_up'}, {state: 'lost', retryable: false}],
    [8, {}, {state: 'failed', reason: 'never_submitted', retryable: true}],
    [9, {history: 'none', snapshot: 'completed'}, {state: 'completed', action: 'import'}],
    [10, {history: 'bad', snapshot: 'failed'}, {state: 'failed', action: 'import'}],
    [11, {history: 'none', outputs: 'complete', snapshot: 'bad'}, {state: 'completed', reason: 'on_disk'}],
    [12, {history: 'none', outputs: 'partial'}, {state: 'unverified', action: 'none'}],
    [13, {history: 'none', outputs: 'partial', age: 'given_up'}, {state: 'failed', reason: 'given_up'}],
    [14, {history: 'bad'}, {state: 'unknown', action: 'quarantine'}],
    [15, {history: 'none'}, {state: 'absent', action: 'none'}],
  ])('row %i: %j', (row, some, verdict) => {
    const orphan: Witnesses = {
      history: 'active',
      snapshot: 'none',
      outputs: 'none',
      owner: 'dead',
      submission: 'none',
      server: 'unasked',
      stopAsked: false,
      age: 'fresh',
    }
    expect(judgeSession({...orphan, ...some})).toMatchObject({row, ...verdict})
  })
})
