import {describe, expect, test} from '@jest/globals'
import {Faults} from '../../../src/server/mock/faults.ts'
import {collides} from '../../../src/server/mock/metadata.ts'
import {findModel} from '../../../src/server/mock/models.ts'
import {firstFree, makeOutputPath} from '../../../src/server/mock/output-path.ts'
import {understand} from '../../../src/server/mock/parameters.ts'
import {startMock} from '../../../src/server/mock/start.ts'

describe('an output path of the server (recording 10)', () => {
  test.each([
    ['ag/p1/hero-[batch_id]', 'ag/p1/hero-0'],
    ['ag/p1/a.b.c', 'ag/p1/abc'],
    ['ag/p1/sub/[seed]-[agitem]', 'ag/p1/sub/42-it-1'],
    ['../escape', 'escape'],
    ['ag/../../x', 'ag/x'],
    ['/abs/x', 'abs/x'],
    ['ag/p1/é ünï', 'ag/p1/é ünï'],
    ['ag/p1/con', 'ag/p1/con_'],
    ['ag/p1/', 'ag/p1'],
    ['[prompt]', 'path test'],
    ['ag/p1/[unknownthing]', 'ag/p1/[unknownthing]'],
  ])('%s becomes %s', (format, path) => {
    expect(makeOutputPath(format, {batch_id: 0, seed: 42, agitem: 'it-1', prompt: 'path test'})).toBe(path)
  })

  test('that is taken gets a number', () => {
    expect(firstFree('a', (path) => ['a', 'a-1'].includes(path))).toBe('a-2')
  })
})

describe('a model name', () => {
  const models = ['stub/sd15', 'stub/sd15-inpainting', 'flux']
  test.each([
    ['stub/sd15', 'stub/sd15'],
    ['sd', 'stub/sd15'],
    ['SD15', 'stub/sd15'],
    ['inpaint', 'stub/sd15-inpainting'],
    ['flux.safetensors', 'flux'],
    ['nothing-like-it', undefined],
  ])('%s finds %s', (wanted, found) => {
    expect(findModel(models, wanted)).toBe(found)
  })
})

describe('parameters (recording 12)', () => {
  const available = {models: ['m'], loras: [], mayPickBackend: false, old: false}

  test('are cleaned to their letters, the last spelling wins, unknown ones vanish', () => {
    expect(understand({cfg_scale: 3, 'CFG Scale': 4, nosuchparam: 1, seed: '12'}, available)).toEqual({
      cfgscale: 4,
      seed: 12,
    })
  })

  test.each([
    [{steps: 'abc'}, /Invalid integer value for param Steps - 'abc'/],
    [{width: 17}, /must be between 64 and 16384/],
    [{seed: null}, /Invalid integer value for param Seed - ''/],
    [{sampler: 'nope'}, /must be one of: `euler`/],
    [{exactbackendid: 0}, /do not have permission to use parameter Exact Backend ID/],
  ])('%j are refused', (body, message) => {
    expect(() => understand(body, available)).toThrow(message)
  })

  test.each([
    [{ag_1: 'x', ag_2: 'y'}, true],
    [{agrun: 'x', agitem: 'y'}, false],
  ])('extra_metadata %j collides: %s (recording 11)', (extra, expected) => {
    expect(collides(extra)).toBe(expected)
  })
})

describe('faults', () => {
  test('strike what they match, from the nth time on, so many times', () => {
    const faults = new Faults([{when: {prompt: 'fox', nth: 2}, times: 1, do: {error: 'no'}}])
    const struck = ['a fox', 'a cat', 'a fox', 'a fox'].map((prompt) => faults.ofGeneration(prompt)?.error)
    expect(struck).toEqual([undefined, undefined, 'no', undefined])
    expect(faults.ofRoute('View')).toBeUndefined()
  })
})

describe('what the mock does not know', () => {
  test('is refused as an option and as a change, which then changes nothing', async () => {
    await expect(startMock({frobnicate: 1} as object)).rejects.toMatchObject({exitCode: 2, message: /frobnicate/})
    await using mock = await startMock()
    expect(() => mock.control({step_ms: 5, frobnicate: 1} as object)).toThrow(/frobnicate/)
    const answer = await fetch(`${mock.url}/Mock/Control`, {method: 'POST', body: '{"steps": "many"}'})
    expect(answer.status).toBe(400)
    const {settings} = (await fetch(`${mock.url}/Mock/State`).then((state) => state.json())) as {
      settings: {step_ms: number}
    }
    expect(settings.step_ms).toBe(60)
  })

  test('is told when its port is taken', async () => {
    await using mock = await startMock()
    await expect(startMock({port: Number(new URL(mock.url).port)})).rejects.toMatchObject({
      exitCode: 2,
      message: /something listens there already/,
    })
  })
})

test('a server that is down answers nobody but who can bring it back', async () => {
  await using mock = await startMock()
  const control = (change: object): Promise<Response> =>
    fetch(`${mock.url}/Mock/Control`, {method: 'POST', body: JSON.stringify(change)})
  const ask = (): Promise<Response> =>
    fetch(`${mock.url}/API/GetNewSession`, {method: 'POST', body: '{}', headers: {'content-type': 'application/json'}})
  expect((await control({down: true})).status).toBe(200)
  await expect(ask()).rejects.toThrow()
  expect((await control({down: false})).status).toBe(200)
  expect((await ask()).status).toBe(200)
})
