import {describe, expect, test} from '@jest/globals'
import {artifactName} from '../../src/action/artifact.ts'
import {stateKeys} from '../../src/action/cache.ts'
import {type Runner, readRunner, slug} from '../../src/action/runner.ts'
import {cacheScopes, jobBackendId} from '../../src/action/runtime-token.ts'
import {refuseUntrusted} from '../../src/action/untrusted.ts'

const runner: Runner = {
  ...readRunner({}),
  ref: 'refs/heads/main',
  run: '12',
  attempt: '1',
  job: 'art',
  step: '__self',
}

describe('keys of the state', () => {
  test('are unique for each step, and are looked for from near to far', () => {
    expect(stateKeys(runner, 'default', '0')).toEqual({
      key: 'ag-state-v1/default/art/0/refs-heads-main-f921bd05/12/1/__self/',
      restore: [
        'ag-state-v1/default/art/0/refs-heads-main-f921bd05/',
        'ag-state-v1/default/art/0/',
        'ag-state-v1/default/',
      ],
    })
  })

  test('none is a prefix of another that is not its own', () => {
    const variants: [Partial<Runner>, string, string][] = [
      [{}, 'default', '0'],
      [{run: '1'}, 'default', '0'],
      [{run: '123'}, 'default', '0'],
      [{attempt: '11'}, 'default', '0'],
      [{job: 'art2'}, 'default', '0'],
      [{job: 'ar'}, 'default', '0'],
      [{step: '__self_2'}, 'default', '0'],
      [{ref: 'refs/heads/main2'}, 'default', '0'],
      [{ref: 'refs-heads-main'}, 'default', '0'],
      [{}, 'default', '01'],
      [{}, 'default2', '0'],
      [{}, 'de', '0'],
      [{jobId: 'another'}, 'default', '0'],
      [{jobId: 'another2'}, 'default', '0'],
    ]
    const keys = variants.map(([change, name, index]) => stateKeys({...runner, ...change}, name, index))
    for (const a of keys) {
      for (const b of keys.filter(({key}) => key !== a.key && !key.includes('another')))
        expect(b.key.startsWith(a.key)).toBe(false)
      for (const prefix of a.restore) expect(a.key.startsWith(prefix)).toBe(true)
    }
  })

  test('are within what the cache takes, whatever a branch is called', () => {
    const {key} = stateKeys(
      {...runner, ref: `refs/heads/${'ä,|x'.repeat(200)}`, job: 'j'.repeat(300)},
      'n'.repeat(300),
      '0',
    )
    expect(key.length).toBeLessThan(512)
    expect(key).not.toMatch(/,/)
  })
})

test.each([
  ['main', 'main'],
  ['refs/heads/a', 'refs-heads-a-4d11d8ef'],
  ['refs-heads-a', 'refs-heads-a'],
])('the slug of %s is %s', (text, expected) => {
  expect(slug(text).replace(/-[0-9a-f]{8}$/, '')).toBe(expected.replace(/-[0-9a-f]{8}$/, ''))
  expect(slug(text) === text).toBe(text === expected)
})

test('artifacts are named after all that can differ within a run, without signs that the service refuses', () => {
  expect(artifactName('history', {...runner, job: 'a/b:c'}, 'my state', '3')).toMatch(
    /^ag-history-my-state-[0-9a-f]{8}-12-1-a-b-c-[0-9a-f]{8}-3$/,
  )
})

test('artifacts of two jobs of one name, as a workflow that is called twice has them, have two names', () => {
  const [a, b] = ['one', 'two'].map((jobId) => artifactName('history', {...runner, jobId}, 's', '0'))
  expect(a).not.toBe(b)
})

describe('events that anybody can cause', () => {
  test.each([
    ['pull_request_target', false, true],
    ['issue_comment', false, true],
    ['issues', false, true],
    ['discussion_comment', false, true],
    ['workflow_run', true, true],
    ['workflow_run', false, false],
    ['pull_request', false, false],
    ['push', false, false],
    ['schedule', false, false],
    ['workflow_dispatch', false, false],
  ])('%s (of a fork: %s) is refused: %s', (event, isForksRun, refused) => {
    const judge = () => refuseUntrusted({event, isForksRun})
    if (refused) expect(judge).toThrow(/Anybody can cause/)
    else expect(judge).not.toThrow()
  })
})

describe('what the runtime token says', () => {
  const token = (claims: object) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`

  test.each([
    [token({ac: JSON.stringify([{Scope: 'refs/heads/x', Permission: 3}])}), [{scope: 'refs/heads/x', write: true}]],
    [token({ac: JSON.stringify([{Scope: 'refs/heads/x', Permission: 1}])}), [{scope: 'refs/heads/x', write: false}]],
    [token({}), undefined],
    [token({ac: 'no json'}), undefined],
    ['nonsense', undefined],
    [undefined, undefined],
  ])('%#', (text, scopes) => {
    expect(cacheScopes(text)).toEqual(scopes)
  })
})

test.each([
  [{scp: 'Actions.GenericRead:a:b Actions.Results:run-1:job-2 x'}, 'job-2'],
  [{scp: 'Actions.GenericRead:a:b'}, ''],
  [{}, ''],
])('the job of %j is %j', (claims, id) => {
  expect(jobBackendId(`x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`)).toBe(id)
})

test.each([
  ['__asset-generator_ag', ''],
  ['__asset-generator_ag_2', '-2'],
  ['__self', ''],
  ['pictures', '-pictures'],
])('the step %s ends the name of an artifact with %j', (step, end) => {
  expect(artifactName('history', {...runner, step}, 's', '0')).toBe(`ag-history-s-12-1-art-0${end}`)
})
