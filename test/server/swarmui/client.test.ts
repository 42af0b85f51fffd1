import {describe, expect, test} from '@jest/globals'
import {embeddedTag} from '../../../src/asset/embedded-tag.ts'
import {systemClock} from '../../../src/clock.ts'
import type {MockOptions} from '../../../src/server/mock/options.ts'
import {startMock} from '../../../src/server/mock/start.ts'
import {SwarmServer, type SwarmServerOptions} from '../../../src/server/swarmui/client.ts'
import {INSTANT} from '../../support/context.ts'

const never = new AbortController().signal
const request = {
  parameters: {prompt: 'a fox', model: 'mock/sdxl-base', seed: 42, steps: 4, width: 64, height: 64},
  tag: {run: 'r1', item: 'fox'},
}
const impatient = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 10), signal),
}

async function connected(options: MockOptions = {}, identity: SwarmServerOptions = {}) {
  const mock = await startMock({...INSTANT, ...options})
  const server = new SwarmServer(mock.url, {clock: impatient, patienceMs: 1500, ...identity})
  return {
    mock,
    server,
    [Symbol.asyncDispose]: async () => {
      await server.close()
      await mock.close()
    },
  }
}

describe.each(['websocket', 'http'] as const)('a picture over %s', (transport) => {
  test('comes back with its bytes, and lies where a later run can find it', async () => {
    await using at = await connected({}, {transport})
    const accepted: string[] = []
    const image = await at.server.generate(request, {signal: never, onAccepted: (handle) => accepted.push(handle)})
    expect(image.ref).toBe('View/local/ag/r1/fox.png')
    expect(accepted).toEqual(['ag/r1/fox'])
    const bytes = await at.server.download(image.ref, never)
    expect(embeddedTag(bytes)).toEqual({run: 'r1', item: 'fox', seed: 42, model: 'mock/sdxl-base'})
  })

  test.each([
    ['rejected', {steps: 'many'}, {}],
    ['rejected', {model: ''}, {}],
    ['failed', {}, {error: 'Something went wrong while generating images.'}],
    ['empty', {}, {empty: true}],
  ] as const)('that is %s says so', async (fault, parameters, act) => {
    await using at = await connected({faults: [{do: act}]}, {transport})
    const wrong = {...request, parameters: {...request.parameters, ...parameters}}
    await expect(at.server.generate(wrong, {signal: never})).rejects.toMatchObject({name: 'GenerationError', fault})
  })

  test('is found again when the connection breaks in the middle, and is not made twice', async () => {
    await using at = await connected({step_ms: 3, faults: [{times: 1, do: {drop: 'running'}}]}, {transport})
    const image = await at.server.generate(request, {signal: never})
    expect(image.ref).toBe('View/local/ag/r1/fox.png')
    await expect(at.server.download('View/local/ag/r1/fox-1.png', never)).rejects.toThrow(/no picture/)
  })

  // No recording has a workflow that saves more than its picture: reference 2.4.
  test.each([
    ['a step on the way', {on_the_way: true}, {key: 'k'}],
    ['a further output', {further: true}, {key: 'k'}],
    ['both, of which nobody kept the key', {on_the_way: true, further: true}, {}],
  ])('is told from %s, also after its connection broke', async (_what, act, key) => {
    const keyed = {...request, tag: {...request.tag, ...key}}
    await using at = await connected({step_ms: 1, faults: [{do: act}]}, {transport})
    const name = 'on_the_way' in act ? 'fox-1.png' : 'fox.png'
    expect(await at.server.generate(keyed, {signal: never})).toMatchObject({ref: `View/local/ag/r1/${name}`})
    await using broken = await connected({step_ms: 1, faults: [{times: 1, do: {...act, drop: 'running'}}]}, {transport})
    expect(await broken.server.generate(keyed, {signal: never})).toMatchObject({ref: `View/local/ag/r1/${name}`})
  })

  test('is not taken for one with another seed: with a random one the key is the same', async () => {
    await using at = await connected({}, {transport})
    const keyed = {...request, tag: {...request.tag, key: 'k'}}
    await at.server.generate(keyed, {signal: never})
    const find = async (wanted: object) =>
      (await at.server.findPictures('r1', [{item: 'fox', ...wanted}], never)).get('fox')
    expect(await find({key: 'k', seed: 7})).toBeUndefined()
    expect(await find({key: 'k'})).toMatchObject({ref: 'View/local/ag/r1/fox.png', seed: 42})
  })

  describe('whose connection breaks, where another of its name was made before', () => {
    const older = {...request, tag: {...request.tag, key: 'older'}}
    const newer = {...request, tag: {...request.tag, key: 'newer'}}
    const drop = {times: 1, do: {drop: 'running'}} as const

    test('is found by what it was made from', async () => {
      await using at = await connected({step_ms: 3}, {transport})
      await at.server.generate(older, {signal: never})
      at.mock.control({faults: [drop]})
      const {ref} = await at.server.generate(newer, {signal: never})
      expect(embeddedTag(await at.server.download(ref, never))).toMatchObject({key: 'newer'})
    })

    test.each(['PNG', 'JPG'])('is not taken for that %s where this user may not list', async (imageformat) => {
      const denied = {when: {route: 'ListImages'}, do: {json: {error_id: 'bad_permissions'}}}
      await using at = await connected({step_ms: 3}, {transport})
      const as = (asked: typeof request) => ({...asked, parameters: {...asked.parameters, imageformat}})
      await at.server.generate(as(older), {signal: never})
      at.mock.control({faults: [denied, drop]})
      await expect(at.server.generate(as(newer), {signal: never})).rejects.toMatchObject({fault: 'failed'})
    })
  })

  test('is known to be gone when the server is restarted in the middle', async () => {
    const restarts: string[] = []
    await using at = await connected(
      {step_ms: 3, faults: [{times: 1, do: {restart: true}}]},
      {transport, onRestart: (id) => restarts.push(id)},
    )
    await expect(at.server.generate(request, {signal: never})).rejects.toMatchObject({
      fault: 'failed',
      message: /restarted/,
    })
    expect(restarts).toHaveLength(1)
  })

  test('is lost when the server does not come back', async () => {
    await using at = await connected({step_ms: 20, faults: [{do: {drop: 'running'}}]}, {transport, patienceMs: 200})
    const made = at.server.generate(request, {
      signal: never,
      onAccepted: () => setTimeout(() => at.mock.control({down: true}), 30),
    })
    await expect(made).rejects.toMatchObject({fault: 'lost'})
  })
})

describe('over a WebSocket', () => {
  test('progress never falls and ends at the last step', async () => {
    await using at = await connected()
    const seen: number[] = []
    let last: object = {}
    await at.server.generate(request, {
      signal: never,
      onProgress: (progress) => {
        seen.push(progress.fraction)
        last = progress
      },
    })
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(last).toEqual({fraction: 1, step: 4, steps: 4})
  })

  test('a run is over at its end, not two seconds later when the server closes', async () => {
    await using at = await connected({grace_ms: 60_000})
    const started = performance.now()
    await at.server.generate(request, {signal: never})
    expect(performance.now() - started).toBeLessThan(5000)
  })

  test('silence without a pong is a broken link', async () => {
    const nothingToDo = {
      status: {waiting_gens: 0, loading_models: 0, waiting_backends: 0, live_gens: 0},
      backend_status: {status: 'running', class: '', message: '', any_loading: false},
    }
    const faults = [
      {times: 1, do: {hang: true}},
      {when: {route: 'GetCurrentStatus'}, do: {json: nothingToDo}},
    ]
    await using at = await connected({faults, keep_alive_ms: 60_000}, {silenceMs: 50})
    await expect(at.server.generate(request, {signal: never})).rejects.toMatchObject({message: /connection broke/})
  })

  test('pongs are signs of life', async () => {
    await using at = await connected({step_ms: 60, keep_alive_ms: 15}, {silenceMs: 50})
    await expect(at.server.generate(request, {signal: never})).resolves.toBeDefined()
  })

  test('a proxy that knows no upgrades is told with the way out', async () => {
    await using at = await connected({faults: [{when: {route: 'GenerateText2ImageWS'}, do: {status: 426}}]})
    await expect(at.server.generate(request, {signal: never})).rejects.toMatchObject({
      name: 'UnreachableError',
      next: /--transport http/,
    })
  })

  test('an abort ends it at once with its reason, and the server is told to stop by interrupt alone', async () => {
    await using at = await connected({step_ms: 1000})
    const controller = new AbortController()
    const reason = new Error('enough')
    const made = at.server.generate(request, {signal: controller.signal, onAccepted: () => controller.abort(reason)})
    await expect(made).rejects.toBe(reason)
    const busy = await at.server.report(never)
    expect(busy.activity?.waitingGens).toBe(1)
    await at.server.interrupt(AbortSignal.timeout(2000))
    expect((await at.server.report(never)).activity?.waitingGens).toBe(0)
  })
})

describe('a SwarmUI session', () => {
  test('is one for all requests, and renewed when the server does not know it any more', async () => {
    await using at = await connected(
      {},
      {
        keeper: {
          load: async () => ({session_id: '0'.repeat(40), user_id: 'local', server_id: 'x'}),
          save: async () => {},
        },
      },
    )
    await at.server.generate(request, {signal: never})
    const users = await fetch(`${at.mock.url}/Mock/State`).then((answer) => answer.json())
    await at.server.generate({...request, tag: {run: 'r1', item: 'two'}}, {signal: never})
    await at.server.report(never)
    expect(users).toMatchObject({sessions: 1})
    expect(await fetch(`${at.mock.url}/Mock/State`).then((answer) => answer.json())).toMatchObject({sessions: 1})
  })

  test('is kept for the next process', async () => {
    let kept: unknown
    const keeper = {
      load: async () => kept,
      save: async (session: unknown) => {
        kept = session
      },
    }
    await using at = await connected({}, {keeper})
    await at.server.report(never)
    const next = new SwarmServer(at.mock.url, {keeper})
    await next.report(never)
    await next.close()
    expect(await fetch(`${at.mock.url}/Mock/State`).then((answer) => answer.json())).toMatchObject({sessions: 1})
  })
})

describe('who we are', () => {
  test('is told by each layer, and a wrong one is denied', async () => {
    const users = [{name: 'ci-bot', role: 'user' as const, token: 'tok.en.123456'}]
    await using at = await connected(
      {authorization: 'secret words', accounts: true, users},
      {authorization: 'secret words', token: 'tok.en.123456'},
    )
    expect((await at.server.report(never)).userId).toBe('ci-bot')
    for (const wrong of [
      {},
      {authorization: 'secret words'},
      {authorization: 'secret words', token: 'tok.en.654321'},
    ]) {
      const stranger = new SwarmServer(at.mock.url, wrong)
      await expect(stranger.report(never)).rejects.toMatchObject({name: 'DeniedError', exitCode: 4})
      await expect(stranger.generate(request, {signal: never})).rejects.toMatchObject({exitCode: 4})
      await stranger.close()
    }
  })

  test('decides which folder pictures go to on a server without accounts', async () => {
    await using at = await connected({}, {userId: 'ci-bot'})
    const {ref} = await at.server.generate(request, {signal: never})
    expect(ref).toBe('View/ci-bot/ag/r1/fox.png')
    await expect(at.server.download(ref, never)).resolves.toBeDefined()
  })
})

describe('what the server says of itself', () => {
  test('is its activity for all users, its backends and its models', async () => {
    await using at = await connected({foreign: {waiting_gens: 3, live_gens: 1}})
    expect(await at.server.report(never)).toMatchObject({
      userId: 'local',
      activity: {waitingGens: 3, liveGens: 1, loadingModels: 0, waitingBackends: 0},
      backends: [{id: '0', type: 'comfyui_api', status: 'running'}],
      models: {available: 4, loaded: 0},
      readiness: {usable: true},
    })
  })

  test.each([
    [
      'without the permission',
      {users: [{name: 'guest1', role: 'user' as const}]},
      {userId: 'guest1'},
      /read_server_info_panels/,
    ],
    ['from an old server', {version: '0.9.7' as const}, {}, /0\.9\.8/],
  ])('%s leaves the activity unknown, with the reason', async (_what, options, identity, reason) => {
    await using at = await connected(options, identity)
    const report = await at.server.report(never)
    expect(report.activity).toBeUndefined()
    expect(report.activityUnknown?.message).toMatch(reason)
  })

  test.each([
    ['missing', {status: {waiting_gens: 0}}],
    ['negative', {status: {waiting_gens: -1, loading_models: 0, waiting_backends: 0, live_gens: 0}}],
    ['texts', {status: {waiting_gens: '0', loading_models: 0, waiting_backends: 0, live_gens: 0}}],
  ])('is nonsense when counters are %s', async (_what, status) => {
    const json = {
      backend_status: {status: 'running', class: '', message: '', any_loading: false},
      supported_features: [],
      ...status,
    }
    await using at = await connected({faults: [{when: {route: 'GetGlobalStatus'}, do: {json}}]})
    await expect(at.server.report(never)).rejects.toMatchObject({name: 'UnreachableError', exitCode: 3})
  })

  test.each([
    ['running', [{}], true],
    ['all switched off', [{status: 'disabled'}], false],
    ['none at all', [], false],
    ['unreachable, which SwarmUI calls idle', [{status: 'idle', allow_idle: true, gone: true}], false],
    ['one of two in error', [{}, {status: 'errored'}], true],
    ['all in error', [{status: 'errored'}], false],
    ['still loading', [{status: 'loading'}], true],
  ] as const)('with backends %s is usable: %s', async (_what, backends, usable) => {
    await using at = await connected({backends: [...backends]})
    expect((await at.server.readiness(never)).usable).toBe(usable)
  })
})

describe('names are checked before anything is sent', () => {
  const check = async (
    parameters: Record<string, string | readonly string[]>,
    allowFuzzyModel = false,
    options: MockOptions = {},
  ) => {
    await using at = await connected(options)
    return await at.server.check({model: 'mock/flux-dev', ...parameters}, {signal: never, allowFuzzyModel})
  }

  test.each([
    [{model: 'mock/sdxl-base'}, {model: 'mock/sdxl-base'}],
    [{model: 'MOCK/SDXL-base.safetensors'}, {model: 'mock/sdxl-base'}],
    [{loras: ['mock/Ink']}, {loras: ['mock/ink']}],
    [{sampler: 'Euler_Ancestral'}, {sampler: 'euler_ancestral'}],
    [{presets: ['anything']}, {presets: ['anything']}],
  ])('%j is sent as %j', async (given, sent) => {
    expect(await check(given)).toMatchObject(sent)
  })

  test.each([
    [{model: 'sdxl'}, 'Did you mean "mock/sdxl-base"? (--allow-fuzzy-model lets the server choose.)'],
    [{model: 'mock/pixel-arr'}, 'Did you mean "mock/pixel-art"?'],
    [{model: 'nothing-like-it'}, 'It has: mock/sdxl-base, mock/flux-dev, mock/pixel-art, mock/watercolor.'],
    [{loras: ['ik']}, 'It has: mock/ink, mock/soft-light.'],
    [{sampler: 'euler_a'}, 'Did you mean "euler_ancestral"'],
    [{clipstopatlayr: '1'}, 'Did you mean "clipstopatlayer"?'],
  ])('%j is refused with the nearest names', async (given, next) => {
    await expect(check(given)).rejects.toMatchObject({
      name: 'UsageError',
      exitCode: 2,
      next: expect.stringContaining(next),
    })
  })

  test('unless the server is to choose the model', async () => {
    expect(await check({model: 'sdxl'}, true)).toEqual({model: 'sdxl'})
    await expect(check({model: 'nothing-like-it'}, true)).rejects.toMatchObject({exitCode: 2})
  })

  test('on an old server, too, which lists models in another form', async () => {
    const old: MockOptions = {version: '0.9.7'}
    expect(await check({model: 'mock/flux-dev'}, false, old)).toEqual({model: 'mock/flux-dev'})
    await expect(check({model: '(None)'}, false, old)).rejects.toMatchObject({exitCode: 2})
  })
})

const ROUTES = ['GenerateText2Image', 'GetNewSession', 'GetCurrentStatus', 'ListImages', 'View']

// No recording has a proxy: these statuses are what nginx, HAProxy and Cloudflare answer.
describe('a picture over http behind a proxy', () => {
  test.each([502, 504, 524])('that answers %d in the middle is followed, and not asked for again', async (status) => {
    await using at = await connected({step_ms: 10, faults: [{do: {status}}]}, {transport: 'http'})
    const image = await at.server.generate(request, {signal: never})
    expect(image).toEqual({ref: 'View/local/ag/r1/fox.png', seed: 42, model: 'mock/sdxl-base'})
  })

  test('whose server stays away is told as what it is', async () => {
    await using at = await connected({}, {transport: 'http', patienceMs: 200})
    const down = [{do: {status: 502}}, ...ROUTES.map((route) => ({when: {route}, do: {status: 502}}))]
    await at.server.userId(never)
    at.mock.control({faults: down})
    await expect(at.server.generate(request, {signal: never})).rejects.toMatchObject({
      name: 'ForeignAnswerError',
      exitCode: 3,
      message: expect.stringMatching(/502/),
    })
  })

  test.each([404, 413, 429, 503])('that turns it away with %d was not asked for', async (status) => {
    await using at = await connected(
      {faults: [{when: {route: 'GenerateText2Image'}, do: {status}}]},
      {transport: 'http'},
    )
    await expect(at.server.generate(request, {signal: never})).rejects.toMatchObject({name: 'ForeignAnswerError'})
  })
})

test('a list of parameters that did not come is asked for again', async () => {
  await using at = await connected({faults: [{when: {route: 'ListT2IParams'}, times: 1, do: {status: 503}}]})
  const check = () => at.server.check({model: 'mock/flux-dev'}, {signal: never, allowFuzzyModel: false})
  await expect(check()).rejects.toMatchObject({exitCode: 3})
  expect(await check()).toEqual({model: 'mock/flux-dev'})
})

describe('what is no SwarmUI', () => {
  test.each([
    ['a login page', {html: '<html>Sign in</html>'}, 3],
    ['a redirect to a login page', {location: 'https://sso.example.com/'}, 3],
    ['a proxy without its server', {status: 502}, 3],
    ['a gateway that times out', {status: 504}, 3],
    ['a proxy that wants a password', {status: 403}, 4],
    ['a connection that breaks', {drop: 'reset' as const}, 3],
  ])('such as %s is told with the right exit code', async (_what, act, exitCode) => {
    await using at = await connected({faults: [{when: {route: 'GetNewSession'}, do: act}]})
    await expect(at.server.report(never)).rejects.toMatchObject({exitCode})
  })

  test('such as nothing at all is unreachable', async () => {
    const server = new SwarmServer('http://127.0.0.1:1')
    await expect(server.report(never)).rejects.toMatchObject({exitCode: 3, message: /nothing listens there/})
    await server.close()
  })

  test('is waited for no longer than the deadline', async () => {
    await using at = await connected({faults: [{when: {route: 'GetNewSession'}, do: {hang: true}}]})
    const reason = new Error('too late')
    const deadline = new AbortController()
    setTimeout(() => deadline.abort(reason), 50)
    await expect(at.server.report(deadline.signal)).rejects.toBe(reason)
  })
})

describe('a download', () => {
  test.each(['../../etc/passwd', 'https://elsewhere/x.png', 'View//x.png', 'file:///etc/passwd', 'View/./x.png'])(
    'from %s is refused',
    async (ref) => {
      await using at = await connected()
      await expect(at.server.download(ref, never)).rejects.toThrow(/path that is none/)
    },
  )

  test('larger than the limit is refused', async () => {
    await using at = await connected({}, {maxPictureBytes: 100})
    const {ref} = await at.server.generate(request, {signal: never})
    await expect(at.server.download(ref, never)).rejects.toMatchObject({exitCode: 3, message: /larger than/})
  })

  test('of a data: URL is its bytes', async () => {
    await using at = await connected()
    const bytes = await at.server.download(`data:image/png;base64,${Buffer.from('abc').toString('base64')}`, never)
    expect(Buffer.from(bytes).toString()).toBe('abc')
    await expect(at.server.download('data:text/html,<p>', never)).rejects.toMatchObject({exitCode: 3})
  })

  test('answers for names with every character a server may use', async () => {
    await using at = await connected()
    const named = {...request, tag: {run: 'r 1, ü', item: 'fox'}}
    const {ref} = await at.server.generate(named, {signal: never})
    await expect(at.server.download(ref, never)).resolves.toBeDefined()
  })
})
