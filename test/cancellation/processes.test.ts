import {readdirSync, readFileSync, rmSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {cancel} from '../../src/cancel.ts'
import {StorageError} from '../../src/errors.ts'
import {resubmit} from '../../src/resubmit.ts'
import type {MockOptions} from '../../src/server/mock/options.ts'
import {SwarmServer} from '../../src/server/swarmui/client.ts'
import {status} from '../../src/status.ts'
import {activity} from '../support/built-workspace.ts'
import {cancelFromElsewhere} from '../support/cancel-from-elsewhere.ts'
import {type Rehearsal, rehearse} from '../support/context.ts'
import {GATE} from '../support/gate.ts'
import {keepCredentialOf, orphan} from '../support/orphan.ts'
import {until, untilTold} from '../support/until.ts'

const manifest = (...ids: string[]): string =>
  `assets: [${ids.map((id) => `{id: ${id}, prompt: ${id}, model: mock/flux-dev}`).join(', ')}]`
const seen = (at: Rehearsal, asset: string): boolean =>
  at.events.some((event) => event.event === 'asset.progress' && event.asset === asset)

/** The processes of a workspace as another host sees them on a network file system: nobody can tell whether they live. */
function seenFromAnotherHost(folder: string): void {
  const owners = join(folder, '.ag', 'local', 'owners')
  for (const name of readdirSync(owners)) {
    const path = join(owners, name)
    if (name.endsWith('.lock')) rmSync(path)
    else writeFileSync(path, JSON.stringify({...JSON.parse(readFileSync(path, 'utf8')), boot: 'another'}))
  }
}

/** What a dead run had the server make, and still does; leave it to let go of the connection. */
async function leftAtWork(at: Rehearsal): Promise<{readonly session: string; leave(): Promise<void>}> {
  const session = await orphan(at, manifest('a'), {asset: 'a', phase: 'ack', run: 'old1'})
  const dead = new SwarmServer(at.mock.url)
  const leaving = new AbortController()
  const onSending = (secret: string): Promise<void> => keepCredentialOf(at, session, secret)
  const parameters = {prompt: 'a', model: 'mock/flux-dev'}
  const sent = dead.generate({parameters, tag: {run: 'old1', item: 'a'}}, {signal: leaving.signal, onSending})
  sent.catch(() => {})
  await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
  return {
    session,
    async leave() {
      leaving.abort()
      await dead.close()
    },
  }
}

describe('cancel of a run, whatever its processes do', () => {
  test('reaches a run that waits at its gate, which ends at once', async () => {
    await using at = await rehearse({foreign: {waiting_gens: 1, live_gens: 1}})
    const run = 'r1'
    const made = at.generate(manifest('a'), {run, gate: GATE})
    const ended = made.catch((error: unknown) => error)
    await untilTold(at, 'wait.started')
    expect(await cancelFromElsewhere(at)).toMatchObject({
      exit_code: 0,
      sessions: [],
      runs: [{run, outcome: 'ended', message: 'has ended'}],
    })
    expect(await ended).toMatchObject({name: 'CancelledError', exitCode: 130})
    expect(await at.asked()).toBe(0)
    expect(await cancelFromElsewhere(at)).toMatchObject({sessions: [], runs: []})
  })

  test('of a run that waits for the pictures of another leaves that one alone', async () => {
    await using at = await rehearse({step_ms: 20, steps: 40})
    await using other = await at.beside()
    const made = at.generate(manifest('a'), {run: 'r1'})
    await until('progress of a', () => seen(at, 'a'))
    const waits = other.generate(manifest('a'), {run: 'r2'})
    await untilTold(other, 'notice')
    expect(await cancelFromElsewhere(at, {run: 'r2'})).toMatchObject({sessions: [], runs: [{outcome: 'ended'}]})
    expect(await waits).toMatchObject({exit_code: 130, made: 0})
    expect(await made).toMatchObject({exit_code: 0, made: 1})
  })

  test('of a run that goes on with an earlier one finds it by its name, and stops it', async () => {
    await using at = await rehearse({step_ms: 30, steps: 100})
    await orphan(at, manifest('a'), {asset: 'a', phase: 'none', run: 'old1'})
    const making = at.generate(manifest('a'), {run: 'new1'})
    await until('progress of a', () => seen(at, 'a'))
    await using other = await at.beside()
    expect((await status(other.context)).waiting_runs).toEqual([])
    expect(await cancelFromElsewhere(at)).toMatchObject({exit_code: 0, runs: [{run: 'old1', outcome: 'ended'}]})
    expect(await making).toMatchObject({run: 'old1', exit_code: 130})
  })

  test.each([
    ['the new run', 'new1'],
    ['everything', undefined],
  ])('of what waits for the work of an earlier run stops both, by %s', async (_what, run) => {
    await using at = await rehearse({step_ms: 100, steps: 100})
    const {session, leave} = await leftAtWork(at)
    const making = at.generate(manifest('a'), {run: 'new1', resume: 'adopt'})
    await untilTold(at, 'asset.started')
    await using other = await at.beside()
    expect(await status(other.context)).toMatchObject({active_generations: [{run: 'old1'}], waiting_runs: ['new1']})
    expect(await cancelFromElsewhere(at, run === undefined ? {} : {run})).toMatchObject({
      exit_code: 0,
      sessions: [{session, outcome: 'cancelled'}],
      runs: [{run: 'new1', outcome: 'ended'}],
    })
    expect(await making).toMatchObject({exit_code: 130, made: 0})
    expect(await activity(at.mock.url)).toBe(0)
    await leave()
  })

  test('of the earlier run by its name stops its work, and what another has taken over of it', async () => {
    await using at = await rehearse({step_ms: 100, steps: 100})
    const {session, leave} = await leftAtWork(at)
    const making = at.generate(manifest('a'), {run: 'new1', resume: 'adopt'})
    await untilTold(at, 'asset.started')
    expect(await cancelFromElsewhere(at, {run: 'old1'})).toMatchObject({
      exit_code: 0,
      sessions: [{session, outcome: 'cancelled'}],
      runs: [],
    })
    expect(await making).toMatchObject({exit_code: 6, made: 0})
    await leave()
  })

  test('asks who takes a session over while it is to be stopped', async () => {
    await using at = await rehearse({step_ms: 100, steps: 100})
    await using other = await at.beside()
    const {session, leave} = await leftAtWork(at)
    const {runs} = other.sessions
    const request = runs.requestCancel.bind(runs)
    let making: ReturnType<Rehearsal['generate']> | undefined
    Object.assign(runs, {
      requestCancel: async (of: Parameters<typeof request>[0]) => {
        making ??= at.generate(manifest('a'), {run: 'new1', resume: 'adopt'})
        await untilTold(at, 'asset.started')
        await request(of)
      },
    })
    const options = {sessions: [session], all: false, user: false, timeoutMs: 5000}
    expect(await cancel(other.context, options)).toMatchObject({exit_code: 0, sessions: [{outcome: 'cancelled'}]})
    expect(await making).toMatchObject({made: 0, exit_code: 6})
    expect(await at.asked()).toBe(1)
    await leave()
  })

  test('at one server touches no process that works with another', async () => {
    await using at = await rehearse({foreign: {waiting_gens: 1, live_gens: 1}})
    at.mock.control({faults: [{when: {route: 'ListConnectedUsers'}, do: {json: {users: [{id: 'local'}]}}}]})
    await using second = await rehearse()
    await orphan(at, manifest('a'), {asset: 'a', phase: 'ack', run: 'old1'})
    const stop = new AbortController()
    const making = at.generate(manifest('a'), {run: 'new1', resume: 'adopt'}, stop.signal)
    await untilTold(at, 'asset.started')
    const {exit_code, sessions, runs} = await cancelFromElsewhere(at, {all: true}, {url: second.mock.url})
    expect({exit_code, runs}).toEqual({exit_code: 2, runs: []})
    const there = `ag cancel --run new1 --server ${at.mock.url}`
    expect(sessions).toMatchObject([{outcome: 'elsewhere', message: expect.stringContaining(there)}])
    expect(await at.sessions.get('gen-old1-a')).toMatchObject({state: 'generating'})
    stop.abort(new Error('enough'))
    await making
  })

  test.each([
    ['that makes pictures', {step_ms: 30, steps: 60}, undefined],
    ['that waits at its gate', {foreign: {waiting_gens: 1, live_gens: 1}}, GATE],
  ])('asks a process %s also where nobody can tell whether it lives', async (_which, options, gate) => {
    await using at = await rehearse(options)
    const making = at.generate(manifest('a', 'b'), {run: 'r1', concurrency: 1, ...(gate && {gate})})
    const ended = making.catch((error: unknown) => error)
    await until('its work', () => seen(at, 'a') || at.events.some(({event}) => event === 'wait.started'))
    seenFromAnotherHost(at.folder)
    expect(await cancelFromElsewhere(at, {run: 'r1'})).toMatchObject({exit_code: 0, runs: [{outcome: 'ended'}]})
    expect(await ended).toMatchObject(gate ? {exitCode: 130} : {exit_code: 130, made: 0})
  })

  test.each([
    ['interrupts', {step_ms: 30, steps: 60}, {exit_code: 130, made: 0}],
    ['lets finish', {step_ms: 30, steps: 30, backends: [{type: 'auto_webui_api'}]}, {exit_code: 0, made: 1}],
  ] as const)(
    'stops a process that makes one run after the other, whose picture the server %s',
    async (_what, options, first) => {
      await using at = await rehearse(options as MockOptions)
      for (const run of ['r1', 'r2']) {
        const id = await orphan(at, manifest('a'), {asset: 'a', phase: 'none', run})
        const writer = await at.sessions.claim(id)
        await writer?.append({event: 'lost', state: 'lost', result: {error: 'x', reason: 'gone'}})
      }
      const places = {workspace: at.folder, outputDirectory: at.folder, declared: new Map(), sessionsOutput: at.folder}
      const how = {concurrency: 1, failFast: false, retries: 0, overwrite: false, allowFuzzyModel: false}
      let runs = 0
      const newRun = (): string => `again${++runs}`
      const made = resubmit(at.context, {newRun, places, sessions: [], workspace: at.folder, ...how})
      await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
      expect(await cancelFromElsewhere(at, {run: 'again1'})).toMatchObject({exit_code: 0, sessions: [{run: 'again1'}]})
      expect(await made).toMatchObject([
        {run: 'again1', ...first},
        {run: 'again2', exit_code: 130, made: 0, pending: 1},
      ])
      expect(await at.asked()).toBe(1)
    },
  )

  test('of sessions of two processes leaves the others of both to be made', async () => {
    await using at = await rehearse({step_ms: 20, steps: 30})
    await using other = await at.beside()
    const making = at.generate(manifest('a', 'b', 'c', 'd'), {run: 'r1', concurrency: 1})
    await until('progress of a', () => seen(at, 'a'))
    const request = {run: 'r1', asset: 'z', prompt: 'z', parameters: {}, output: 'z.png', server: at.server.address}
    await other.sessions.create('gen-r1-z', request)
    const result = await cancelFromElsewhere(at, {sessions: ['gen-r1-a', 'gen-r1-z'], timeoutMs: 4000})
    expect(result.sessions.map(({session, outcome}) => [session, outcome]).sort()).toEqual([
      ['gen-r1-a', 'cancelled'],
      ['gen-r1-z', 'running'],
    ])
    const {assets} = await making
    expect(assets.map(({state}) => state)).toEqual(['cancelled', 'completed', 'completed', 'completed'])
  })

  test('waits for nobody who gave no sign of life for long, where nobody can ask after him', async () => {
    await using at = await rehearse()
    await at.sessions.runs.join('r1', at.server.address)
    seenFromAnotherHost(at.folder)
    const runs = join(at.folder, '.ag', 'local', 'runs')
    for (const name of readdirSync(runs)) utimesSync(join(runs, name), 0, 0)
    expect(await cancelFromElsewhere(at)).toMatchObject({exit_code: 0, runs: []})
  })

  test('leaves alone what begins under the same name after it', async () => {
    await using at = await rehearse({step_ms: 20, steps: 30})
    await using other = await at.beside()
    const first = at.generate(manifest('a'), {run: 'r1', resume: 'adopt'})
    await until('progress of a', () => seen(at, 'a'))
    const cancelling = cancelFromElsewhere(at, {run: 'r1'})
    expect(await first).toMatchObject({exit_code: 130})
    expect(await other.generate(manifest('a', 'b'), {run: 'r1', resume: 'adopt'})).toMatchObject({
      exit_code: 0,
      made: 2,
    })
    expect(await cancelling).toMatchObject({exit_code: 0, runs: [{outcome: 'ended'}]})
  })

  test('that meets a run as it ends stops no later one', async () => {
    await using at = await rehearse({faults: [{when: {prompt: 'bad'}, do: {error: 'x'}}]})
    await using other = await at.beside()
    const making = at.generate(manifest('bad'), {run: 'r1', retries: 0})
    const {runs} = other.sessions
    await until('an attendant', async () => (await runs.attendants()).length > 0)
    const attendants = await runs.attendants()
    await making
    const looks = [attendants]
    Object.assign(runs, {attendants: async () => looks.pop() ?? []})
    const all = {sessions: [], all: true, user: false, timeoutMs: 3000}
    expect(await cancel(other.context, all)).toMatchObject({runs: [{run: 'r1', outcome: 'ended'}]})
    at.mock.control({faults: []})
    expect(await other.generate(manifest('bad'), {run: 'r2'})).toMatchObject({exit_code: 0, made: 1})
  })

  test('of what is out of reach stops no later run', async () => {
    await using at = await rehearse()
    const two = manifest('a', 'z')
    await orphan(at, two, {asset: 'a', phase: 'none', run: 'old1', total: 2})
    await orphan(at, two, {asset: 'z', phase: 'ack', run: 'old1', total: 2})
    expect(await cancelFromElsewhere(at, {run: 'old1'})).toMatchObject({exit_code: 4})
    expect(await at.generate(two, {run: 'new1'})).toMatchObject({exit_code: 0})
    await at.sessions.close()
    expect(readdirSync(join(at.folder, '.ag', 'local', 'private'))).toEqual([])
    expect(readdirSync(join(at.folder, '.ag', 'local', 'runs'))).toEqual([])
  })

  test('that did not get to its end stops no later run', async () => {
    await using at = await rehearse()
    const id = await orphan(at, manifest('a'), {asset: 'a', phase: 'none', run: 'old1'})
    const {owner = ''} = (await at.sessions.get(id)) ?? {}
    await at.sessions.runs.requestCancel({session: id, owner})
    expect(await at.generate(manifest('a'), {run: 'new1'})).toMatchObject({exit_code: 0, made: 1})
  })

  test('says of a run that does not end in time that it goes on', async () => {
    await using at = await rehearse()
    await at.sessions.runs.join('r1', at.server.address)
    expect(await cancelFromElsewhere(at, {timeoutMs: 300})).toMatchObject({
      exit_code: 124,
      runs: [{run: 'r1', outcome: 'running'}],
      error: {message: expect.stringMatching(/^The run r1 has not ended/)},
    })
  })
})

describe('cancel of everything of a user, with a run of ours at work', () => {
  test('asks the run first, and interrupts until nothing is left', async () => {
    await using at = await rehearse({
      step_ms: 20,
      steps: 20,
      interrupt_ms: 230,
      backends: [{max_usages: 1}, {max_usages: 1}],
    })
    const ids = Array.from({length: 14}, (_, n) => `p${n}`)
    const making = at.generate(manifest(...ids), {run: 'r1', concurrency: 4})
    await until('progress', () => seen(at, 'p0'))
    expect(await cancelFromElsewhere(at, {user: true})).toMatchObject({exit_code: 0, runs: [{outcome: 'ended'}]})
    const {exit_code, assets} = await making
    expect(exit_code).toBe(130)
    expect(assets.filter(({state}) => state === 'pending').length).toBeGreaterThan(8)
    expect(assets.filter(({state}) => state === 'failed')).toEqual([])
  })

  test('does not take one bad answer for the end', async () => {
    await using at = await rehearse({step_ms: 25, steps: 40, backends: [{type: 'auto_webui_api', max_usages: 1}]})
    const making = at.generate(manifest('a'), {run: 'r1'})
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    at.mock.control({faults: [{when: {route: 'ListConnectedUsers'}, times: 1, do: {status: 502}}]})
    expect(await cancelFromElsewhere(at, {user: true})).toMatchObject({exit_code: 0})
    expect(await activity(at.mock.url)).toBe(0)
    await making
  })

  test('tells the server to stop also where nothing can be written', async () => {
    await using at = await rehearse({step_ms: 30, steps: 100})
    await using other = await at.beside()
    const making = at.generate(manifest('a'), {run: 'r1'})
    await until('progress of a', () => seen(at, 'a'))
    const refuse = async (): Promise<never> => {
      throw new StorageError('Cannot write there.')
    }
    Object.assign(other.sessions.runs, {requestCancel: refuse})
    const options = {sessions: [], all: true, timeoutMs: 5000}
    // Without --user a process that cannot be told keeps its picture.
    await expect(cancel(other.context, {...options, user: false})).rejects.toThrow('Cannot write there.')
    expect(await activity(at.mock.url)).toBe(1)
    await expect(cancel(other.context, {...options, user: true})).rejects.toThrow('Cannot write there.')
    expect(await activity(at.mock.url)).toBe(0)
    await making
  })

  test('advises ag recover for what is out of reach all the same', async () => {
    await using at = await rehearse()
    await orphan(at, manifest('a'), {asset: 'a', phase: 'ack'})
    expect(await cancelFromElsewhere(at, {user: true})).toMatchObject({exit_code: 4, error: {next: /ag recover/}})
  })

  test('says that the server has not stopped in time', async () => {
    await using at = await rehearse({foreign: {waiting_gens: 1, live_gens: 1}})
    at.mock.control({
      faults: [{when: {route: 'ListConnectedUsers'}, do: {json: {users: [{id: 'local', waiting_gens: 1}]}}}],
    })
    const result = await cancelFromElsewhere(at, {user: true, timeoutMs: 500})
    expect(result).toMatchObject({exit_code: 124, user: 'local', error: {message: /"local" has not stopped in time/}})
  })
})
