import {beforeAll, describe, expect, test} from '@jest/globals'
import type {MockControl, MockOptions} from '../../../src/server/mock/options.ts'
import {type MockServer, startMock} from '../../../src/server/mock/start.ts'
import {differences} from '../../support/compare.ts'
import {type Recording, recording, recordingNames} from '../../support/recordings.ts'
import {replay} from '../../support/replay.ts'

/** A moment of a recording takes a fifth of its time here, unless said otherwise; so do the mock's waits. */
const SCALE = 0.2

interface Setup {
  readonly scale?: number
  readonly options?: MockOptions
  /** What a note of the recording did to the server. */
  readonly notes?: Readonly<Record<string, MockControl>>
  /** What happened to the server without a note, by recorded time. */
  readonly timeline?: readonly (readonly [number, MockControl])[]
  readonly socketHeaders?: Readonly<Record<string, Record<string, string>>>
  /** Differences that are not the mock's fault, each with its reason. */
  readonly loose?: Readonly<Record<string, string>>
  /** The same, for the recording of 0.9.7 only. */
  readonly loose097?: Readonly<Record<string, string>>
}

const comfy = {title: 'stub'} as const
const webui = {title: 'a1111', type: 'auto_webui_api', max_usages: 1} as const
const TOKEN = '6369626f74.00000000000000000000000000000000.11111111111111111111111111111111'
const PASSWORD = '4213170b09f75920161717cb48c9c598d19babfa430b8a6a89d5a462de775728'
const restartNotes = {
  SIGKILL: {down: true},
  SIGTERM: {down: true},
  'started again': {down: false},
}

const SETUPS: Readonly<Record<string, Setup>> = {
  '01-server-info': {options: {backends: [{...comfy, model: null}]}},
  '04-generate-http': {
    loose: {
      '652.9': 'the mock writes no WEBP and says so',
      '719.5': 'the same in 0.9.7',
      WEBP: 'nor can it be fetched',
    },
  },
  '14-backend-fails': {
    loose: {
      'socket stubfail order': "whether the second picture's own error or its interruption comes first is a race",
    },
    loose097: {'socket swallow order': 'the same race: 0.9.7 does not know continueaftererrors'},
  },
  '08-client-leaves': {loose097: {batch_index: 'which of two pictures comes first is a race'}},
  '15-backend-gone': {
    notes: {
      'backend process killed': {backends: [{...comfy, gone: true}]},
      'backend process started again': {backends: [comfy]},
    },
  },
  '16-backend-gone-allow-idle': {
    options: {backends: [{...comfy, allow_idle: true, model: null}]},
    notes: {
      'backend process killed': {backends: [{...comfy, allow_idle: true, gone: true}]},
      'backend process started again': {backends: [{...comfy, allow_idle: true, status: 'idle'}]},
    },
    loose: {
      '3034': 'when the server looks after such a backend depends on its own clock',
      '17156.7': 'the same',
      '18661.3': 'the same',
    },
  },
  '26-many-jobs': {loose: {keep_alives: 'how many end after the last was dispatched is timing'}},
  '30-interrupt-after-done': {
    options: {claim_ms: 40, interrupt_ms: 0},
    loose: {'socket a keep_alives': 'how many pictures were dispatched in those milliseconds is timing'},
    loose097: {'socket a': 'there the interrupt came when a backend had just taken the first picture'},
  },
  '32-interrupt-then-generate': {
    scale: 1,
    loose: {
      waiting_gens: 'twenty sockets share one session, and each ends its two seconds while others run',
      'cut9 order': 'the last interrupt comes when its picture is all but finished',
    },
  },
  '18-backend-loading': {
    options: {backends: [{...comfy, status: 'waiting'}]},
    timeline: [[3660, {backends: [{...comfy, status: 'errored'}]}]],
    loose: {'3669.9': 'the summary is cached for a second on the real server, which the mock does not do'},
  },
  '19-server-killed': {
    notes: restartNotes,
    loose097: {'image 1': 'which of two pictures comes first is a race', batch_index: 'the same'},
    loose: {'most live_gens': 'the real server may hand a picture over before it lets go of the one before'},
  },
  '20-server-stopped': {notes: restartNotes},
  '21-limited-user': {},
  '22-required-authorization': {
    options: {authorization: 'secret words'},
    socketHeaders: {with: {authorization: 'secret words'}},
  },
  '23-accounts': {
    options: {accounts: true, users: [{name: 'cibot', role: 'owner', token: TOKEN, password_hash: PASSWORD}]},
  },
  '31-client-closes': {loose: {'socket a': 'ws answers a close by itself; the frames after it cannot be sent'}},
  '33-a1111-backend': {options: {backends: [webui]}},
  '34-one-backend-dead': {
    options: {
      backends: [
        {...comfy, model: null},
        {...comfy, title: 'dead', status: 'waiting'},
      ],
    },
    timeline: [[5000, {backends: [comfy, {...comfy, title: 'dead', status: 'errored'}]}]],
  },
  '35-comfy-queue-behind': {
    notes: {'work sent to ComfyUI directly, past SwarmUI': {comfy_queue: 1}},
    timeline: [[7000, {comfy_queue: 0}]],
    options: {users: [{name: 'limited', role: 'user'}]},
  },
}

function optionsFor(of: Recording, version: '0.9.8.2' | '0.9.7', {options = {}, scale = SCALE}: Setup): MockOptions {
  const backends = options.backends ?? [comfy]
  return {
    version,
    models: ['stub/sd15'],
    loras: [],
    step_ms: 2 * scale,
    steps: 8,
    model_load_ms: 1000 * scale,
    grace_ms: 2000 * scale,
    keep_alive_ms: 30_000 * scale,
    first_message_ms: 60_000 * scale,
    no_backend_ms: 1000 * scale,
    interrupt_ms: 20,
    backend_recheck_ms: 4000 * scale,
    faults: faultsFor(of, scale),
    ...options,
    backends: backends.map((backend) => ({model: loadsModel(of) ? null : 'stub/sd15', ...backend})),
  }
}

/** The words by which the recordings told the stand-in behind the real server what to do. */
function faultsFor(of: Recording, scale: number): NonNullable<MockOptions['faults']> {
  const words = new Set(JSON.stringify(of.events).match(/stubstep\d+/g))
  const speeds = [...words].sort((a, b) => b.length - a.length)
  return [
    {when: {prompt: 'stubfail'}, do: {error: 'ComfyUI execution error: stub says no', at_step: 1, step_ms: 5}},
    {when: {prompt: 'stubreject'}, do: {refuse: 'ComfyUI errored: {\n  "error": {}}'}},
    {when: {prompt: 'stubcrash'}, do: {error: 'Something went wrong while generating images.', at_step: 0}},
    {
      when: {prompt: 'stubempty'},
      do: {error: 'No images were generated (all refused, or failed - check server logs for details).', at_step: 8},
    },
    ...speeds.map((word) => ({
      when: {prompt: word},
      do: {step_ms: Number(word.slice('stubstep'.length)) * scale * 0.97},
    })),
  ]
}

/** Whether the recorded server had to load the model first: its frames say so. */
function loadsModel({events}: Recording): boolean {
  return events.some(({text}) => ((text as {status?: {loading_models?: number}})?.status?.loading_models ?? 0) > 0)
}

async function compare(version: '0.9.8.2' | '0.9.7', name: string): Promise<string[]> {
  const of = recording(`swarmui-${version}`, name)
  const setup = SETUPS[name] ?? {}
  const mock: MockServer = await startMock(optionsFor(of, version, setup))
  try {
    const replayed = await replay(of, {
      url: mock.url,
      scale: setup.scale ?? SCALE,
      onNote: (text) => {
        const change = setup.notes?.[text]
        if (change) mock.control(change)
      },
      timeline: (setup.timeline ?? []).map(([at, change]) => [at, () => mock.control(change)] as const),
      ...(setup.socketHeaders ? {socketHeaders: setup.socketHeaders} : {}),
    })
    const loose = {...setup.loose, ...(version === '0.9.7' ? setup.loose097 : {})}
    return differences(of, replayed, Object.keys(loose))
  } finally {
    await mock.close()
  }
}

describe.each(['0.9.8.2', '0.9.7'] as const)('the mock answers as SwarmUI %s did in', (version) => {
  const names = recordingNames(`swarmui-${version}`)
  const results = new Map<string, string[]>()

  // Several at once: a recording mostly waits.
  beforeAll(async () => {
    const queue = names.values()
    const work = async () => {
      for (const name of queue) results.set(name, await compare(version, name))
    }
    await Promise.all(Array.from({length: 5}, work))
    // Replayed in real time: what a busy machine made late is replayed once more, alone.
    for (const name of names.filter((one) => results.get(one)?.length)) results.set(name, await compare(version, name))
  }, 120_000)

  test.each(names)('%s', (name) => {
    expect(results.get(name)).toEqual([])
  })
})
