import {afterEach, beforeEach, describe, expect, test} from '@jest/globals'
import type {Report} from '../src/context.ts'
import type {MockControl, MockOptions} from '../src/server/mock/options.ts'
import {type WaitOptions, type WaitResult, waitIdle} from '../src/wait-idle.ts'
import {type Rehearsal, rehearse} from './support/context.ts'
import {GATE} from './support/gate.ts'
import {untilTold} from './support/until.ts'
import {virtualTime} from './support/virtual-time.ts'
import {watched} from './support/watched-server.ts'

interface Waited extends WaitResult {
  readonly events: readonly Report[]
  /** The states in the order they were told. */
  readonly states: readonly string[]
}

/** Waits for the mocks of rehearsals, in virtual time. `before` changes a mock before a look, counted from 1. */
async function wait(
  rehearsals: readonly Rehearsal[],
  options: Partial<WaitOptions> = {},
  before: (look: number) => MockControl | undefined = () => undefined,
): Promise<Waited> {
  const [first] = rehearsals
  if (!first) throw new Error('a wait needs a server')
  const time = virtualTime()
  const servers = rehearsals.map(({server}) => watched(server))
  const events: Report[] = []
  let looks = 0
  const change = (): void => {
    const control = before(++looks)
    if (control) first.mock.control(control)
  }
  change()
  const report = (event: Report): void => {
    events.push(event)
    if ('state' in event && event.event.startsWith('wait.')) change()
  }
  const work = waitIdle(
    {
      servers: servers.map(({server}) => server),
      sessions: first.sessions,
      clock: time,
      signal: new AbortController().signal,
      report,
    },
    {...GATE, random: () => 0, ...options},
  )
  const result = await time.run(work, () => servers.some(({calls}) => calls.now > 0))
  for (const {calls} of servers) expect(calls.most).toBeLessThanOrEqual(1)
  const states = events.flatMap((event) => (event.event === 'wait.state' ? [event.state] : []))
  return {...result, events, states}
}

const alone = async (
  mock: MockOptions,
  options?: Partial<WaitOptions>,
  before?: (look: number) => MockControl | undefined,
): Promise<Waited> => {
  await using at = await rehearse(mock)
  return await wait([at], options, before)
}

describe('a gate before one server', () => {
  test('opens after a quiet window, with evidence', async () => {
    const result = await alone({})
    expect(result).toMatchObject({open: true, verdict: 'idle', exit_code: 0, states: ['idle']})
    expect(result.waited_seconds).toBeGreaterThanOrEqual(10)
    expect(result.waited_seconds).toBeLessThan(13)
    expect(result.servers[0]?.evidence).toEqual([
      {source: 'GetGlobalStatus', says: 'idle', detail: 'nothing waits, runs or loads'},
      {source: 'ComfyUI queue behind backend 0', says: 'idle', detail: expect.stringMatching(/is empty/)},
    ])
    expect(result.events[0]).toMatchObject({event: 'wait.started', timeout_seconds: 60, stable_for_seconds: 10})
    expect(result.events.at(-1)).toMatchObject({event: 'wait.finished', open: true, verdict: 'idle'})
  })

  test('takes one look when no window is asked for', async () => {
    expect(await alone({}, {stableForMs: 0})).toMatchObject({open: true, servers: [{looks: 1}]})
  })

  test('stays shut while another session of the server generates, and says how many', async () => {
    const result = await alone({foreign: {waiting_gens: 2, live_gens: 1}})
    expect(result).toMatchObject({open: false, verdict: 'busy', exit_code: 124, states: ['busy']})
    expect(result.error?.message).toMatch(/Not idle for 10 s on end within 60 s.*2 pictures waiting or running/)
    expect(result.waited_seconds).toBeLessThanOrEqual(61)
  })

  test('says who keeps it busy, where it may know', async () => {
    await using at = await rehearse({step_ms: 60_000})
    const controller = new AbortController()
    const made = at.generate('assets: [{id: a, prompt: x, model: mock/flux-dev}]', {}, controller.signal)
    await untilTold(at, 'asset.progress')
    expect((await wait([at], {timeoutMs: 3000})).servers[0]?.reason).toMatch(
      /1 picture waiting or running.*\(local 1\)/,
    )
    controller.abort(new Error('enough'))
    await made.catch(() => {})
  })

  test('never opens while idle and busy take turns', async () => {
    const result = await alone({}, {}, (look) => ({foreign: {waiting_gens: look % 3 === 0 ? 1 : 0}}))
    expect(result).toMatchObject({open: false, exit_code: 124})
    expect(result.states.length).toBeGreaterThan(10)
  })

  test.each<[string, MockControl]>([
    ['work only in the Comfy queue', {comfy_queue: 1}],
    ['a model load', {foreign: {loading_models: 1}}],
    ['a backend that loads', {backends: [{status: 'loading'}]}],
    ['one backend that loads beside one that runs', {backends: [{}, {status: 'loading'}]}],
  ])('counts %s as busy, and begins its window anew', async (_what, trouble) => {
    const rest: MockControl = {comfy_queue: 0, foreign: {loading_models: 0}, backends: [{}]}
    const result = await alone({}, {}, (look) => (look === 5 ? trouble : look === 6 ? rest : undefined))
    expect(result).toMatchObject({open: true, states: ['idle', 'busy', 'idle']})
    expect(result.waited_seconds).toBeGreaterThan(15)
  })

  test.each<[string, NonNullable<MockControl['faults']>[number]['do']]>([
    ['502', {status: 502}],
    ['503', {status: 503}],
    ['a broken connection', {drop: 'reset'}],
    ['a redirect to a login page', {location: 'https://login.example/'}],
    ['a page', {html: '<html>Sign in</html>'}],
    ['counters that are missing', {json: {status: {}, backend_status: {status: 'running'}}}],
    [
      'negative counters',
      {
        json: {
          status: {waiting_gens: -1, loading_models: 0, waiting_backends: 0, live_gens: 0},
          backend_status: {status: 'running'},
        },
      },
    ],
    [
      'counters that are texts',
      {
        json: {
          status: {waiting_gens: '0', loading_models: '0', waiting_backends: '0', live_gens: '0'},
          backend_status: {status: 'running'},
        },
      },
    ],
    ['an internal error', {json: {error_id: 'internal_error', error: 'An internal error occurred'}}],
  ])('takes %s for no answer, and begins its window anew', async (_what, fault) => {
    const faults = [{when: {route: 'GetGlobalStatus', nth: 4}, times: 1, do: fault}]
    const result = await alone({faults})
    expect(result).toMatchObject({open: true, exit_code: 0})
    expect(result.states).toHaveLength(3)
    expect(result.states[1]).toMatch(/unreachable|unknown/)
    expect(result.waited_seconds).toBeGreaterThan(13)
    const for_ever = await alone({faults: [{when: {route: 'GetGlobalStatus'}, do: fault}]})
    expect(for_ever).toMatchObject({open: false, verdict: 'unknown', exit_code: 3})
  })

  test('gets over a SwarmUI session that is forgotten, and a new one that is not given at once', async () => {
    const forgotten = {json: {error_id: 'invalid_session_id', error: 'Invalid session ID.'}, status: 401}
    const result = await alone({
      faults: [
        {when: {route: 'GetGlobalStatus', nth: 3}, times: 1, do: forgotten},
        {when: {route: 'GetNewSession', nth: 2}, times: 1, do: {drop: 'reset'}},
      ],
    })
    expect(result).toMatchObject({open: true, states: ['idle', 'unreachable', 'idle']})
  })

  test('asks who the server is before it opens, and not at each look', async () => {
    await using quiet = await rehearse()
    await using busy = await rehearse({foreign: {live_gens: 1}})
    await wait([quiet, busy], {required: 2, timeoutMs: 120_000})
    const state = await fetch(`${quiet.mock.url}/Mock/State`).then((answer) => answer.json())
    expect((state as {sessions: number}).sessions).toBeLessThan(16)
    expect((state as {sessions: number}).sessions).toBeGreaterThan(1)
  })

  test('waits for a server that is not there yet', async () => {
    const result = await alone({down: true}, {}, (look) => (look === 4 ? {down: false} : undefined))
    expect(result).toMatchObject({open: true, states: ['unreachable', 'idle']})
  })

  test('tells that the server was restarted, and begins its window anew', async () => {
    const result = await alone({}, {}, (look) => (look === 5 ? {restart: true} : undefined))
    expect(result).toMatchObject({open: true, servers: [{restarts: 1}]})
    expect(result.events).toContainEqual(expect.objectContaining({event: 'wait.restarted'}))
    expect(result.waited_seconds).toBeGreaterThan(14)
  })

  test.each<[string, MockOptions, number]>([
    ['has no backends', {backends: []}, 5],
    ['has all backends switched off', {backends: [{status: 'disabled'}]}, 5],
    ['has only an errored backend', {backends: [{status: 'errored'}]}, 5],
    ['has only a backend that is "idle", which means unreachable', {backends: [{status: 'idle', allow_idle: true}]}, 5],
    ['has an errored backend beside a healthy one', {backends: [{}, {status: 'errored'}]}, 0],
    // No recording has a backend for texts: reference 3.2.
    ['has an errored backend beside one for texts', {backends: [{type: 'simpleremotellm'}, {status: 'errored'}]}, 5],
    ['has one backend switched off and one unreachable', {backends: [{status: 'disabled'}, {status: 'idle'}]}, 5],
  ])('that is quiet and %s gives %#', async (_what, mock, exitCode) => {
    const result = await alone(mock)
    expect(result.exit_code).toBe(exitCode)
    expect(result.open).toBe(exitCode === 0)
    if (exitCode === 5) expect(result.error?.next).toMatch(/Backends/)
  })

  test('does not give up on a server that is useless for a moment, and begins its window anew', async () => {
    const result = await alone({}, {}, (look) =>
      look === 9 ? {backends: []} : look === 10 ? {backends: [{}]} : undefined,
    )
    expect(result).toMatchObject({open: true, states: ['idle', 'unusable', 'idle']})
    expect(result.waited_seconds).toBeGreaterThan(19)
  })

  test.each<[number, number]>([
    [1, 0],
    [2, 0],
    [3, 5],
  ])('with --require-backends %i of 2 exits %i', async (requireBackends, exitCode) => {
    expect((await alone({backends: [{}, {}]}, {requireBackends})).exit_code).toBe(exitCode)
  })

  test('that does not tell its backends once is asked again', async () => {
    const fault = {json: {error_id: 'internal_error', error: 'An internal error occurred'}}
    const faults = [{when: {route: 'ListBackends', nth: 3}, times: 1, do: fault}]
    const result = await alone({backends: [{}, {}], faults}, {requireBackends: 2})
    expect(result).toMatchObject({open: true, states: ['idle', 'unknown', 'idle']})
  })

  test('with a softer gate opens with some pictures in the queue', async () => {
    expect(await alone({foreign: {waiting_gens: 2, live_gens: 1}}, {maxQueue: 2})).toMatchObject({open: true})
    expect(await alone({foreign: {waiting_gens: 3, live_gens: 1}}, {maxQueue: 2})).toMatchObject({open: false})
  })

  test('with a softer gate still wants a backend that works', async () => {
    const result = await alone({foreign: {waiting_gens: 1}, backends: [{status: 'errored'}]}, {maxQueue: 2})
    expect(result).toMatchObject({open: false, exit_code: 5})
  })

  test('says what is wrong beside a backend that works', async () => {
    const {servers} = await alone({backends: [{}, {status: 'errored'}]})
    expect(servers[0]?.evidence.at(-1)).toEqual({
      source: 'backend_status',
      says: 'unknown',
      detail: 'A backend reports an error; another one works.',
    })
  })

  test('in reverse opens once it is busy', async () => {
    const result = await alone({}, {reverse: true, stableForMs: 0}, (look) =>
      look === 4 ? {foreign: {live_gens: 1}} : undefined,
    )
    expect(result).toMatchObject({open: true, verdict: 'busy', exit_code: 0, servers: [{looks: 4}]})
  })

  test('may go on when it is still busy at the deadline, never when nothing is known', async () => {
    const busy = await alone({foreign: {live_gens: 1}}, {onTimeout: 'continue'})
    expect(busy).toMatchObject({open: false, verdict: 'busy', exit_code: 0})
    expect(await alone({down: true}, {onTimeout: 'continue'})).toMatchObject({exit_code: 3, verdict: 'unknown'})
  })

  test('says once a minute that it still waits', async () => {
    const {events} = await alone({foreign: {live_gens: 1}}, {timeoutMs: 200_000})
    const beats = events.filter(({event}) => event === 'wait.heartbeat')
    expect(beats).toHaveLength(3)
  })
})

describe('an identity that may not see the work of others', () => {
  const guest: MockOptions = {users: [{name: 'guest1', role: 'user'}]}

  test.each<[string, MockOptions, {userId?: string}, RegExp]>([
    ['a missing permission', guest, {userId: 'guest1'}, /read_server_info_panels/],
    ['an old server', {version: '0.9.7'}, {}, /0\.9\.8/],
  ])('is told at once, with what it takes: %s', async (_what, mock, identity, needed) => {
    await using at = await rehearse(mock, identity)
    for (const scope of ['auto', 'server'] as const) {
      const result = await wait([at], {scope})
      expect(result).toMatchObject({open: false, verdict: 'unknown', exit_code: 4, waited_seconds: 0})
      expect(result.error?.message).toMatch(needed)
      expect(result.error?.next).toMatch(/--scope own/)
    }
  })

  test('learns in auto what could be seen', async () => {
    await using at = await rehearse(guest, {userId: 'guest1'})
    expect((await wait([at], {scope: 'auto'})).error?.message).toMatch(
      /what can be seen: no generation of this workspace/,
    )
    expect((await wait([at], {scope: 'server'})).error?.message).not.toMatch(/can be seen/)
  })

  test('gets an answer about its own work when it asks for that', async () => {
    await using at = await rehearse({...guest, foreign: {live_gens: 1}}, {userId: 'guest1'})
    expect(await wait([at], {scope: 'own'})).toMatchObject({open: true, verdict: 'idle', scope: 'own'})
  })

  test('is told to wait while backends load', async () => {
    const result = await alone({backends: [{}, {status: 'loading'}]}, {scope: 'own'}, (look) =>
      look === 3 ? {backends: [{}]} : undefined,
    )
    expect(result).toMatchObject({open: true, states: ['busy', 'idle']})
  })

  test('cannot require backends it may not see', async () => {
    await using at = await rehearse(guest, {userId: 'guest1'})
    const result = await wait([at], {scope: 'own', requireBackends: 2})
    expect(result).toMatchObject({exit_code: 4, error: {message: expect.stringMatching(/view_backends_list/)}})
  })
})

describe('several servers', () => {
  let a: Rehearsal
  let b: Rehearsal
  beforeEach(async () => {
    a = await rehearse({foreign: {live_gens: 1}})
    b = await rehearse()
  })
  afterEach(async () => {
    await a[Symbol.asyncDispose]()
    await b[Symbol.asyncDispose]()
  })

  test('any: opens with the first that is idle', async () => {
    expect(await wait([a, b], {required: 1})).toMatchObject({
      open: true,
      exit_code: 0,
      servers: [{state: 'busy'}, {state: 'idle'}],
    })
  })

  test('all: waits for the last', async () => {
    expect(await wait([a, b], {required: 2})).toMatchObject({open: false, exit_code: 124, verdict: 'busy'})
    const later = await wait([a, b], {required: 2}, (look) => (look === 12 ? {foreign: {live_gens: 0}} : undefined))
    expect(later).toMatchObject({open: true, servers: [{state: 'idle'}, {state: 'idle'}]})
  })

  test('ends early when too few are left that could', async () => {
    a.mock.control({foreign: {live_gens: 0}, backends: []})
    expect(await wait([a, b], {required: 2})).toMatchObject({open: false, exit_code: 5})
    expect(await wait([a, b], {required: 1})).toMatchObject({open: true})
  })

  test('says that one is away when that is what is missing at the deadline', async () => {
    b.mock.control({down: true})
    expect(await wait([a, b], {required: 2})).toMatchObject({exit_code: 3})
    expect(await wait([a, b], {required: 1})).toMatchObject({exit_code: 124})
  })
})

describe('the work of this workspace', () => {
  const request = {run: 'r1', asset: 'hero', prompt: 'p', parameters: {}, output: 'a.png'}

  test('keeps the gate of scope own shut', async () => {
    await using at = await rehearse()
    await at.sessions.create('gen-r1-hero', {...request, server: at.server.address})
    const result = await wait([at], {scope: 'own'})
    expect(result).toMatchObject({
      exit_code: 124,
      servers: [{reason: expect.stringMatching(/gen-r1-hero is at 0 %|1 gen/)}],
    })
  })

  test('on another server does not count', async () => {
    await using at = await rehearse()
    await at.sessions.create('gen-r1-hero', {...request, server: 'http://elsewhere'})
    expect(await wait([at], {scope: 'own'})).toMatchObject({open: true})
  })

  test('that ends is noticed at once, not at the next look', async () => {
    await using at = await rehearse()
    const writer = await at.sessions.create('gen-r1-hero', {...request, server: at.server.address})
    const started = performance.now()
    const open = waitIdle(
      {
        ...at.context,
        servers: [at.server],
        report: (event) => {
          if (event.event === 'wait.state' && event.state === 'busy')
            setImmediate(
              () => void writer.append({event: 'failed', state: 'failed', result: {error: 'x', reason: 'x'}}),
            )
        },
        clock: (await import('../src/clock.ts')).systemClock,
      },
      {...GATE, scope: 'own', stableForMs: 0, intervalMs: 20_000},
    )
    expect(await open).toMatchObject({open: true, servers: [{looks: 2}]})
    expect(performance.now() - started).toBeLessThan(5000)
  })
})
