import {existsSync, readdirSync, readFileSync, symlinkSync} from 'node:fs'
import {mkdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {embeddedTag} from '../src/asset/embedded-tag.ts'
import {inspectImage} from '../src/asset/image.ts'
import {InterruptedError} from '../src/errors.ts'
import {isCompleted} from '../src/generation/outcome.ts'
import {outputOf, rehearse} from './support/context.ts'
import {untilTold} from './support/until.ts'

const three = `
defaults: {model: mock/sdxl-base, steps: 4, width: 64, height: 64}
assets:
  - {id: sun, prompt: a sun}
  - {id: moon, prompt: a moon}
  - {id: star, prompt: a star}
`

describe('generate', () => {
  test('leaves whole pictures where the manifest says, and a settled history of each', async () => {
    await using at = await rehearse()
    const result = await at.generate(three)
    expect(result).toMatchObject({made: 3, failed: 0, pending: 0, exit_code: 0})
    for (const {asset, session, picture, seed, model} of result.assets.filter(isCompleted)) {
      const bytes = readFileSync(outputOf(at, `${asset}.png`))
      expect(inspectImage(bytes)).toMatchObject({width: 64, height: 64})
      expect(embeddedTag(bytes)).toEqual({run: result.run, item: asset, key: expect.any(String), seed, model})
      expect(await at.sessions.get(session)).toMatchObject({state: 'completed', progress: 1, result: {picture}})
      expect((await at.sessions.request(session))?.prompt).toBe(`a ${asset}`)
    }
    expect(readdirSync(join(at.folder, 'assets'))).toEqual(['moon.png', 'star.png', 'sun.png'])
  })

  test('writes its intent before the request and the handle after it', async () => {
    await using at = await rehearse()
    const {assets} = await at.generate('assets: [{id: sun, prompt: x, model: mock/flux-dev}]')
    const lines = []
    for await (const {event, session} of at.sessions.history(assets[0]?.session ?? ''))
      lines.push([event, session.submission?.phase])
    expect(lines.filter(([event]) => event !== 'progress')).toEqual([
      ['created', undefined],
      ['intent', 'intent'],
      ['submitted', 'ack'],
      ['fetched', 'ack'],
      ['completed', 'ack'],
    ])
  })

  test('tells what happens in order, each picture once', async () => {
    await using at = await rehearse()
    await at.generate(three, {concurrency: 1})
    const told = at.events
      .filter(({event}) => event !== 'asset.progress')
      .map((event) => ('asset' in event ? `${event.event} ${event.asset}` : event.event))
    expect(told).toEqual([
      'run.started',
      'asset.started sun',
      'asset.completed sun',
      'asset.started moon',
      'asset.completed moon',
      'asset.started star',
      'asset.completed star',
      'run.finished',
    ])
  })

  test('asks for no more pictures at once than it may', async () => {
    await using at = await rehearse({step_ms: 2})
    const many = Array.from({length: 9}, (_, n) => `{id: a${n}, prompt: x, model: mock/flux-dev}`).join(', ')
    await at.generate(`assets: [${many}]`, {concurrency: 3})
    let running = 0
    let most = 0
    for (const {event} of at.events) {
      if (event === 'asset.started') most = Math.max(most, ++running)
      if (event === 'asset.completed') running--
    }
    expect(most).toBe(3)
  })

  test('makes the same picture again over its own file', async () => {
    await using at = await rehearse()
    await at.generate(three)
    const before = readFileSync(outputOf(at, 'sun.png'))
    expect(await at.generate(three, {resume: 'never'})).toMatchObject({made: 3})
    expect(inspectImage(before)).toEqual(inspectImage(readFileSync(outputOf(at, 'sun.png'))))
  })

  test('knows its own files by their history when they carry no metadata', async () => {
    await using at = await rehearse()
    const jpg = 'assets: [{id: sun, prompt: x, model: mock/flux-dev, params: {imageformat: JPG}}]'
    expect(await at.generate(jpg)).toMatchObject({made: 1})
    expect(existsSync(outputOf(at, 'sun.jpg'))).toBe(true)
    expect(await at.generate(jpg, {resume: 'never'})).toMatchObject({made: 1})
  })
})

describe('one failing asset', () => {
  const faults = [{when: {prompt: 'moon'}, do: {error: 'ComfyUI errored: {"no": 1}'}}]

  test('does not stop the others', async () => {
    await using at = await rehearse({faults})
    const result = await at.generate(three)
    expect(result).toMatchObject({made: 2, failed: 1, exit_code: 6})
    expect(result.assets[1]).toMatchObject({
      asset: 'moon',
      state: 'failed',
      error: {reason: 'rejected', message: /ComfyUI errored/},
    })
    expect(await at.sessions.get(result.assets[1]?.session ?? '')).toMatchObject({
      state: 'failed',
      result: {reason: 'rejected'},
    })
    expect(existsSync(outputOf(at, 'moon.png'))).toBe(false)
  })

  test('stops the others with failFast, however many work at once', async () => {
    const many = ['moon', 'a', 'b', 'c', 'd', 'e', 'f'].map(
      (id) => `  - {id: ${id}, prompt: ${id}, model: mock/flux-dev}`,
    )
    await using at = await rehearse({faults, step_ms: 5})
    const result = await at.generate(`assets:\n${many.join('\n')}`, {failFast: true, concurrency: 2})
    expect(result).toMatchObject({failed: 1, exit_code: 6})
    // What was on its way when it failed is finished, and one more may have been begun.
    expect(result.pending).toBeGreaterThanOrEqual(many.length - 3)
  })

  test('stops the others with failFast', async () => {
    await using at = await rehearse({faults})
    expect(await at.generate(three, {failFast: true, concurrency: 1})).toMatchObject({
      made: 1,
      failed: 1,
      pending: 1,
      exit_code: 6,
    })
  })

  test('is tried again when the fault was transient', async () => {
    await using at = await rehearse({
      faults: [{times: 2, do: {error: 'Something went wrong while generating images.'}}],
    })
    expect(await at.generate(three, {concurrency: 1})).toMatchObject({made: 3})
    expect(at.events.filter(({event}) => event === 'asset.retrying')).toHaveLength(2)
  })

  test('is not tried again when the request itself is wrong', async () => {
    await using at = await rehearse({faults: [{do: {error: 'Invalid value for parameter Steps: no'}}]})
    expect(await at.generate('assets: [{id: a, prompt: x, model: mock/flux-dev}]')).toMatchObject({failed: 1})
    expect(at.events.some(({event}) => event === 'asset.retrying')).toBe(false)
  })

  test('is a failure, never a success, when the server answers without a picture', async () => {
    await using at = await rehearse({faults: [{do: {empty: true}}]})
    expect(await at.generate('assets: [{id: a, prompt: x, model: mock/flux-dev}]')).toMatchObject({
      made: 0,
      failed: 1,
      exit_code: 6,
      assets: [{error: {reason: 'empty'}}],
    })
  })

  test('whose work somebody else interrupts is cancelled, and nobody else is interrupted for it', async () => {
    await using at = await rehearse({
      faults: [{when: {prompt: 'moon'}, do: {error: 'Generation session interrupted.'}}],
    })
    expect(await at.generate(three)).toMatchObject({
      made: 2,
      pending: 1,
      assets: [{}, {state: 'cancelled', error: {reason: 'interrupted'}}, {}],
    })
  })
})

describe('a picture that does not arrive whole', () => {
  test('is fetched again, not made again', async () => {
    await using at = await rehearse({faults: [{when: {route: 'View'}, times: 1, do: {truncate: 40}}]})
    expect(await at.generate('assets: [{id: a, prompt: x, model: mock/flux-dev}]')).toMatchObject({made: 1})
    expect(at.events.some(({event}) => event === 'asset.retrying')).toBe(false)
  })

  test.each([
    ['cut short', {truncate: 40}, /truncated PNG|ends in the middle/],
    ['a login page', {html: '<html>'}, /not a SwarmUI/],
  ])('%s leaves nothing behind', async (_what, act, message) => {
    await using at = await rehearse({faults: [{when: {route: 'View'}, do: act}]})
    const result = await at.generate('assets: [{id: a, prompt: x, model: mock/flux-dev}]')
    expect(result).toMatchObject({made: 0, failed: 1, assets: [{state: 'failed', error: {message}}]})
    expect(existsSync(join(at.folder, 'assets')) ? readdirSync(join(at.folder, 'assets')) : []).toEqual([])
  })
})

describe('nothing is attempted', () => {
  const wrong = [
    [
      'an unknown model',
      three.replace('sdxl-base', 'sdxl'),
      {exitCode: 2, message: /no model "mock\/sdxl"\. \(asset sun, moon, star\)/},
    ],
    [
      'an unknown parameter',
      'assets: [{id: a, prompt: x, params: {clipstopatlayr: -2}}]',
      {exitCode: 2, message: /no parameter "clipstopatlayr"/},
    ],
  ] as const

  test.each(wrong)('with %s', async (_what, manifest, error) => {
    await using at = await rehearse()
    await expect(at.generate(manifest)).rejects.toMatchObject(error)
    expect(await at.sessions.list({active: false})).toEqual([])
    expect(existsSync(join(at.folder, '.ag'))).toBe(false)
  })

  test('with a file in the way that is not ours, unless it may be replaced', async () => {
    await using at = await rehearse()
    await mkdir(join(at.folder, 'assets'))
    await writeFile(outputOf(at, 'moon.png'), 'a drawing of somebody')
    await expect(at.generate(three)).rejects.toMatchObject({exitCode: 2, message: /moon\.png/, next: /--overwrite/})
    expect(readFileSync(outputOf(at, 'moon.png'), 'utf8')).toBe('a drawing of somebody')
    expect(await at.generate(three, {overwrite: true})).toMatchObject({made: 3})
  })

  // No recording has a user with another format than PNG; that it is a setting: reference 2.1.
  test('with a file that is not ours where the server chose the format, and takes the picture once there is room', async () => {
    await using at = await rehearse({image_format: 'JPG'})
    await mkdir(join(at.folder, 'assets'))
    await writeFile(outputOf(at, 'star.jpg'), 'a drawing of somebody')
    const result = await at.generate(three)
    expect(result).toMatchObject({made: 2, failed: 1, exit_code: 6})
    expect(result.assets.find(({asset}) => asset === 'star')).toMatchObject({
      error: {
        message: expect.stringMatching(/star\.jpg has a file that ag did not make/),
        next: expect.stringContaining('imageformat: PNG'),
      },
    })
    expect(readFileSync(outputOf(at, 'star.jpg'), 'utf8')).toBe('a drawing of somebody')
    await rm(outputOf(at, 'star.jpg'))
    expect(await at.generate(three)).toMatchObject({adopted: 1, exit_code: 0})
    expect(await at.asked()).toBe(3)
  })

  test('with the place of another asset where the server chose the format', async () => {
    await using at = await rehearse({image_format: 'JPG'})
    const manifest = `
defaults: {model: mock/sdxl-base, width: 64, height: 64}
assets: [{id: star, prompt: a star}, {id: sky, prompt: a sky, path: star.jpg}]
`
    const result = await at.generate(manifest)
    expect(result).toMatchObject({made: 1, failed: 1})
    expect(result.assets[0]).toMatchObject({error: {message: expect.stringMatching(/star\.jpg is the place of sky/)}})
  })

  test('without the permission to generate, and asks for nothing more', async () => {
    const denied = {error_id: 'bad_permissions', error: 'You do not have permission.'}
    const faults = [{when: {route: 'GenerateText2Image'}, do: {json: denied}}]
    await using at = await rehearse({faults}, {transport: 'http'})
    const result = await at.generate(three, {concurrency: 1})
    expect(result).toMatchObject({failed: 1, pending: 2, exit_code: 4})
  })

  test('for what the server does not have, and says where the manifest asks for it', async () => {
    await using at = await rehearse()
    const wrong = three
      .replace('prompt: a moon', 'prompt: a moon, params: {frobnicate: 1}')
      .replace('a star', 'a star, model: nope')
    await expect(at.generate(wrong)).rejects.toMatchObject({
      name: 'AssetsRefusedError',
      exitCode: 2,
      refusals: [{assets: ['moon']}, {assets: ['star']}],
    })
    expect(await at.asked()).toBe(0)
  })

  test('with an output folder that leads outside through a link', async () => {
    await using at = await rehearse()
    await mkdir(join(at.folder, 'elsewhere'))
    await mkdir(join(at.folder, 'assets'))
    symlinkSync(join(at.folder, 'elsewhere'), join(at.folder, 'assets', 'icons'))
    await expect(at.generate('groups: [{name: icons, assets: [{id: a, prompt: x}]}]')).rejects.toMatchObject({
      exitCode: 2,
      message: /symbolic link/,
    })
  })

  test('on a server whose backends are all switched off', async () => {
    await using at = await rehearse({backends: [{status: 'disabled'}]})
    await expect(at.generate(three)).rejects.toMatchObject({name: 'NoBackendError', exitCode: 5})
  })

  test('on a server that is not there', async () => {
    await using at = await rehearse()
    await at.mock.close()
    await expect(at.generate(three)).rejects.toMatchObject({exitCode: 3})
  })
})

describe('a run that is stopped', () => {
  test('stops the server, settles what was on its way as cancelled, and leaves the rest pending', async () => {
    await using at = await rehearse({step_ms: 1000})
    const controller = new AbortController()
    const made = at.generate(three, {}, controller.signal)
    await untilTold(at, 'asset.progress')
    controller.abort(new InterruptedError('SIGINT'))
    const result = await made
    expect(result).toMatchObject({made: 0, pending: 3, exit_code: 130})
    expect(result.assets.map(({state}) => state)).toEqual(['cancelled', 'cancelled', 'pending'])
    expect(await at.sessions.list({active: true})).toEqual([])
    const report = await at.server.report(new AbortController().signal)
    expect(report.activity?.waitingGens).toBe(0)
    expect((await at.sessions.runs.credentials(result.run)).size).toBe(0)
  })

  test('by a server that goes away ends with its exit code', async () => {
    await using at = await rehearse()
    const manifest = `assets: [${Array.from({length: 20}, (_, n) => `{id: a${n}, prompt: x, model: mock/flux-dev}`).join(', ')}]`
    at.mock.control({faults: [{when: {route: 'GenerateText2ImageWS', nth: 4}, do: {drop: 'reset'}}]})
    const result = await at.generate(manifest, {concurrency: 1, retries: 1})
    expect(result).toMatchObject({made: 3, failed: 1, pending: 16, exit_code: 3})
  })

  test('by a disk that cannot be written ends with exit code 1, and nothing half-written', async () => {
    await using at = await rehearse()
    await at.write('assets', 'a file where the output directory should be')
    await expect(at.generate('assets: [{id: a, prompt: x, model: mock/flux-dev}]')).rejects.toMatchObject({
      exitCode: 2,
      message: /is a file, not a folder/,
    })
  })
})
