import {readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {cancel} from '../src/cancel.ts'
import {type Clock, systemClock} from '../src/clock.ts'
import type {MockOptions} from '../src/server/mock/options.ts'
import {SwarmServer} from '../src/server/swarmui/client.ts'
import {openWorkspace, resolveWorkspace} from '../src/store/workspace.ts'
import {activity} from './support/built-workspace.ts'
import {cancelFromElsewhere} from './support/cancel-from-elsewhere.ts'
import {type Rehearsal, rehearse} from './support/context.ts'
import {GATE} from './support/gate.ts'
import {keepCredentialOf} from './support/orphan.ts'
import {until, untilTold} from './support/until.ts'

const manifest = (...ids: string[]): string =>
  `assets: [${ids.map((id) => `{id: ${id}, prompt: ${id}, model: mock/flux-dev}`).join(', ')}]`
const request = {run: 'r1', asset: 'hero', prompt: 'p', parameters: {}, output: 'a.png'}
const seen = (at: Rehearsal, asset: string): boolean =>
  at.events.some((event) => event.event === 'asset.progress' && event.asset === asset)

const tenTimesFaster: Clock = {
  now: systemClock.now,
  monotonic: () => systemClock.monotonic() * 10,
  sleep: (ms, signal) => systemClock.sleep(ms / 10, signal),
}

const slow: MockOptions = {step_ms: 30, steps: 100}

describe('cancel', () => {
  test('of the one run that is active stops the server and settles everything as cancelled', async () => {
    await using at = await rehearse(slow)
    const made = at.generate(manifest('a', 'b', 'c'))
    await until('progress of a and b', () => seen(at, 'a') && seen(at, 'b'))
    const result = await cancelFromElsewhere(at)
    expect(result).toMatchObject({exit_code: 0, sessions: [{outcome: 'cancelled'}, {outcome: 'cancelled'}]})
    expect(await made).toMatchObject({
      exit_code: 130,
      made: 0,
      pending: 3,
      assets: [{state: 'cancelled'}, {state: 'cancelled'}, {state: 'pending'}],
      error: {message: expect.stringMatching(/ag cancel/)},
    })
    expect((await at.server.report(new AbortController().signal)).activity?.waitingGens).toBe(0)
  })

  test('stops all processes that are at one run, each under its own SwarmUI session', async () => {
    await using at = await rehearse({...slow, backends: [{max_usages: 1}, {max_usages: 1}]})
    await using other = await at.beside()
    const shared = {run: 'r1', resume: 'adopt', concurrency: 1} as const
    const first = at.generate(manifest('a', 'b'), shared)
    await until('progress of a', () => seen(at, 'a'))
    const second = other.generate(manifest('c', 'd'), shared)
    await until('progress of c', () => seen(other, 'c'))
    expect(await cancelFromElsewhere(at)).toMatchObject({exit_code: 0, sessions: [{}, {}]})
    expect(await Promise.all([first, second])).toMatchObject([{exit_code: 130}, {exit_code: 130}])
    expect(await at.asked()).toBe(2)
  })

  test('of one session leaves the others of its run, which share its SwarmUI session, to be made', async () => {
    await using at = await rehearse({step_ms: 20, steps: 20})
    const made = at.generate(manifest('a', 'b', 'c'), {retries: 0})
    await until('progress of a', () => seen(at, 'a'))
    const [first] = await at.sessions.list({active: true})
    const result = await cancelFromElsewhere(at, {sessions: [first?.id ?? '']})
    expect(result).toMatchObject({exit_code: 0, sessions: [{session: first?.id, outcome: 'cancelled'}]})
    const {assets, exit_code} = await made
    expect(assets.map(({state}) => state)).toEqual(['cancelled', 'completed', 'completed'])
    expect(exit_code).toBe(6)
  })

  test('of one session does not excuse for ever what another one of its run gets from the server', async () => {
    await using at = await rehearse({step_ms: 20, steps: 20, faults: [{when: {prompt: 'nothing'}, do: {empty: true}}]})
    const made = at.generate(manifest('a', 'nothing'), {concurrency: 1})
    await until('progress of a', () => seen(at, 'a'))
    const [first] = await at.sessions.list({active: true})
    await cancelFromElsewhere(at, {sessions: [first?.id ?? '']})
    const {assets} = await made
    expect(assets).toMatchObject([{state: 'cancelled'}, {state: 'failed', error: {reason: 'empty'}}])
  })

  test('reaches a generation that only waits in the queue, which vanishes without a word', async () => {
    await using at = await rehearse({...slow, claim_ms: 60_000})
    const made = at.generate(manifest('a'))
    await untilTold(at, 'asset.started')
    await until('a credential', async () => (await at.sessions.runs.credentials('run0')).size > 0)
    expect(await cancelFromElsewhere(at)).toMatchObject({exit_code: 0, sessions: [{outcome: 'cancelled'}]})
    expect((await made).assets).toMatchObject([{state: 'cancelled'}])
  })

  test('keeps the picture that a backend which cannot be interrupted finishes', async () => {
    await using at = await rehearse({step_ms: 25, steps: 60, backends: [{type: 'auto_webui_api', max_usages: 1}]})
    const made = at.generate(manifest('a', 'b'))
    await until('two requests', async () => (await at.asked()) > 1)
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    expect(await cancelFromElsewhere(at)).toMatchObject({exit_code: 0})
    const {assets} = await made
    expect(assets.map(({state}) => state).sort()).toEqual(['cancelled', 'completed'])
  })

  test('says that it goes on when the backend has not stopped in time, and why', async () => {
    await using at = await rehearse({step_ms: 1000, backends: [{type: 'auto_webui_api', max_usages: 1}]})
    const controller = new AbortController()
    const made = at.generate(manifest('a'), {}, controller.signal)
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    const result = await cancelFromElsewhere(at, {timeoutMs: 12_000}, {clock: tenTimesFaster})
    expect(result).toMatchObject({exit_code: 124, sessions: [{outcome: 'running'}]})
    expect(at.events).toContainEqual(
      expect.objectContaining({
        event: 'notice',
        message: expect.stringMatching(/cannot be interrupted.*which is kept/),
      }),
    )
    controller.abort(new Error('enough'))
    await made.catch(() => {})
  })

  test('of a session that is over says how it ended', async () => {
    await using at = await rehearse()
    await at.generate(manifest('a'))
    const [session] = await at.sessions.list({active: false})
    const result = await cancelFromElsewhere(at, {sessions: [session?.id ?? '']})
    expect(result).toMatchObject({exit_code: 0, sessions: [{outcome: 'completed', message: 'was already completed'}]})
  })

  test('with nothing active is done', async () => {
    await using at = await rehearse()
    expect(await cancelFromElsewhere(at)).toMatchObject({exit_code: 0, sessions: []})
  })

  test('of a name that nobody has suggests those there are', async () => {
    await using at = await rehearse()
    await at.sessions.create('gen-r1-hero', {...request, server: at.server.address})
    await expect(cancelFromElsewhere(at, {sessions: ['gen-r1-her']})).rejects.toMatchObject({
      exitCode: 2,
      message: /no session "gen-r1-her"/,
      next: /gen-r1-hero/,
    })
    await expect(cancelFromElsewhere(at, {run: 'r2'})).rejects.toMatchObject({exitCode: 2, next: /r1/})
  })

  test('of several runs wants to know which', async () => {
    await using at = await rehearse()
    await at.sessions.create('gen-r1-hero', {...request, server: at.server.address})
    await at.sessions.create('gen-r2-hero', {...request, run: 'r2', server: at.server.address})
    await expect(cancelFromElsewhere(at)).rejects.toMatchObject({message: /2 runs are active: r1, r2/, next: /--all/})
  })

  test('of a user on a server that does not tell who is busy says that it cannot know', async () => {
    await using at = await rehearse({foreign: {waiting_gens: 2, live_gens: 1}})
    at.mock.control({faults: [{when: {route: 'ListConnectedUsers'}, do: {json: {users: [{id: 'local'}]}}}]})
    expect(await cancelFromElsewhere(at, {user: true, timeoutMs: 60_000}, {clock: tenTimesFaster})).toMatchObject({
      user: 'local',
      exit_code: 4,
      error: {message: /whether it has is not known/},
    })
  })

  test('whose credential appears late, from another server, is not told to this one', async () => {
    await using at = await rehearse()
    await at.sessions.create('gen-r1-hero', {...request, server: 'http://elsewhere'})
    const attendance = await at.sessions.runs.join('r1', 'http://elsewhere')
    const told: string[] = []
    const server = Object.assign(new SwarmServer(at.mock.url), {
      interruptWorkOf: async (secret: string): Promise<boolean> => told.push(secret) > 0,
      workOf: async () => undefined,
    })
    let looks = 0
    const clock: Clock = {
      ...tenTimesFaster,
      async sleep(ms, signal) {
        if (looks++ === 1) await attendance.keepCredential({server: 'http://elsewhere', secret: 'theirs'})
        await systemClock.sleep(ms / 10, signal)
      },
    }
    const options = {sessions: [], run: 'r1', all: false, user: false, timeoutMs: 8000}
    const {sessions} = await cancel({...at.context, server, clock}, options)
    expect(looks).toBeGreaterThan(3)
    expect(sessions).toMatchObject([{outcome: 'running'}])
    expect(told).toEqual([])
    await server.close()
  })

  test('on another server says how to cancel it there, and touches nothing', async () => {
    await using at = await rehearse()
    await at.sessions.create('gen-r1-hero', {...request, server: 'http://elsewhere'})
    const attendance = await at.sessions.runs.join('r1', 'http://elsewhere')
    await attendance.keepCredential({server: 'http://elsewhere', secret: 'x'})
    expect(await cancelFromElsewhere(at)).toMatchObject({
      exit_code: 2,
      sessions: [{outcome: 'elsewhere', message: expect.stringMatching(/--server http:\/\/elsewhere/)}],
      runs: [],
    })
    expect(await attendance.cancelRequested()).toBe(false)
    expect([...(await attendance.sessionsToCancel())]).toEqual([])
  })
})

describe('cancel of what a dead process left', () => {
  /** A session whose process is gone, with what it noted. */
  async function orphan(at: Rehearsal, {acknowledged = true} = {}): Promise<void> {
    const place = resolveWorkspace({stateDir: at.folder, stateFile: undefined})
    const dead = openWorkspace({...place, clock: systemClock, command: 'test'})
    const writer = await dead.create('gen-r1-hero', {...request, server: at.server.address})
    const phase = acknowledged ? 'ack' : 'intent'
    await writer.append({event: 'submitted', state: 'generating', submission: {kind: 'swarmui', phase}})
    await dead.close()
    // Another process with this one's number, but not this one: what is left when the number was given away anew.
    const owners = `${at.folder}/.ag/local/owners`
    for (const name of readdirSync(owners).filter((file) => file.endsWith('.json'))) {
      const identity = JSON.parse(readFileSync(join(owners, name), 'utf8'))
      writeFileSync(join(owners, name), JSON.stringify({...identity, start: '1'}))
    }
  }

  test('settles it, also when the server has forgotten its SwarmUI session', async () => {
    await using at = await rehearse()
    await orphan(at)
    await keepCredentialOf(at, 'gen-r1-hero', '0'.repeat(40))
    expect(await cancelFromElsewhere(at)).toMatchObject({exit_code: 0, sessions: [{outcome: 'cancelled'}]})
    expect(await at.sessions.get('gen-r1-hero')).toMatchObject({state: 'cancelled', result: {reason: 'cancelled'}})
  })

  /** The orphan's work is at a server that is not the one to be cancelled at. */
  async function sentElsewhere(at: Rehearsal): Promise<void> {
    await orphan(at)
    const server = Object.assign(new SwarmServer(at.mock.url), {address: 'http://first'})
    await keepCredentialOf({...at, server}, 'gen-r1-hero', 'x')
    await server.close()
  }

  test('at another server is told where', async () => {
    await using at = await rehearse()
    await sentElsewhere(at)
    expect(await cancelFromElsewhere(at)).toMatchObject({
      exit_code: 2,
      sessions: [{outcome: 'elsewhere', message: expect.stringMatching(/--server http:\/\/first/)}],
      runs: [],
    })
    expect(await at.sessions.get('gen-r1-hero')).toMatchObject({state: 'generating'})
    expect((await at.sessions.runs.credentials('r1')).size).toBe(1)
  })

  test.each([
    ['that makes its pictures', slow, undefined],
    ['that waits at its gate', {foreign: {waiting_gens: 1, live_gens: 1}}, GATE],
  ])('at another server keeps no run of its name %s from being stopped here', async (_which, options, gate) => {
    await using at = await rehearse(options)
    await sentElsewhere(at)
    const making = at.generate(manifest('a', 'b'), {run: 'r1', resume: 'adopt', concurrency: 1, ...(gate && {gate})})
    const ended = making.catch((error: unknown) => error)
    await until('its work', () => seen(at, 'a') || at.events.some(({event}) => event === 'wait.started'))
    const result = await cancelFromElsewhere(at)
    expect(result).toMatchObject({exit_code: 2, runs: [{run: 'r1', outcome: 'ended'}]})
    expect(result.sessions).toContainEqual(expect.objectContaining({session: 'gen-r1-hero', outcome: 'elsewhere'}))
    const end = await ended
    expect(end).toMatchObject(gate ? {exitCode: 130} : {exit_code: 130, made: 0})
    expect(await at.sessions.get('gen-r1-hero')).toMatchObject({state: 'generating'})
  })

  test('that noted nothing touches no other process of its run', async () => {
    await using at = await rehearse(slow)
    const running = at.generate(manifest('a'), {run: 'r1', resume: 'adopt'})
    await until('progress of a', () => seen(at, 'a'))
    await using beside = await at.beside()
    await orphan(beside)
    expect(await cancelFromElsewhere(at, {sessions: ['gen-r1-hero']})).toMatchObject({
      exit_code: 4,
      sessions: [{outcome: 'out_of_reach'}],
    })
    expect(await at.sessions.get('gen-r1-a')).toMatchObject({state: 'generating'})
    await cancelFromElsewhere(at, {run: 'r1'})
    expect(await running).toMatchObject({exit_code: 130})
  })

  test('of another machine cannot stop it, and leaves it alone', async () => {
    await using at = await rehearse()
    await orphan(at)
    rmSync(`${at.folder}/.ag/local/owners`, {recursive: true})
    const result = await cancelFromElsewhere(at)
    expect(result).toMatchObject({
      exit_code: 4,
      sessions: [{outcome: 'out_of_reach', message: expect.stringMatching(/another machine/)}],
      error: {next: expect.stringMatching(/--user/)},
    })
    expect(await at.sessions.get('gen-r1-hero')).toMatchObject({state: 'generating'})
  })

  test('of another machine says so also where nothing can be written', async () => {
    await using at = await rehearse()
    await orphan(at)
    rmSync(`${at.folder}/.ag/local/owners`, {recursive: true})
    const place = resolveWorkspace({stateDir: at.folder, stateFile: undefined})
    const sessions = openWorkspace({...place, clock: systemClock, command: 'test', readOnly: true})
    const options = {sessions: [], all: false, user: false, timeoutMs: 1000}
    expect(await cancel({...at.context, sessions}, options)).toMatchObject({exit_code: 4})
  })
})

describe('cancel of everything of a user', () => {
  test('stops what other sessions of that user sent, and names whose work it may be', async () => {
    await using at = await rehearse(slow)
    const elsewhere = new SwarmServer(at.mock.url)
    const running = elsewhere.generate(
      {parameters: {prompt: 'x', model: 'mock/flux-dev'}, tag: {run: 'other', item: 'x'}},
      {signal: new AbortController().signal},
    )
    const ended = running.catch((error: unknown) => error)
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    expect(await cancelFromElsewhere(at, {user: true})).toMatchObject({exit_code: 0, user: 'local', sessions: []})
    expect(await ended).toMatchObject({fault: 'interrupted'})
    expect(at.events).toContainEqual(
      expect.objectContaining({event: 'notice', message: expect.stringMatching(/user "local".*everybody/)}),
    )
    await elsewhere.close()
  })
})
