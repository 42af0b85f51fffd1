import {cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {readManifest} from '../../src/asset/manifest.ts'
import {StorageError} from '../../src/errors.ts'
import {generate} from '../../src/generate.ts'
import type {GenerateResult} from '../../src/generation/generate-result.ts'
import {Meanwhile} from '../../src/generation/meanwhile.ts'
import {recover} from '../../src/recover.ts'
import {renderPicture} from '../../src/server/mock/picture/render.ts'
import {SwarmServer} from '../../src/server/swarmui/client.ts'
import {withoutPrompts} from '../../src/session/without-prompts.ts'
import {askToStop} from '../support/ask-to-stop.ts'
import {outputOf, type Rehearsal, rehearse} from '../support/context.ts'
import {digests as digestsIn} from '../support/digests.ts'
import {keepCredentialOf, orphan} from '../support/orphan.ts'
import {until, untilTold} from '../support/until.ts'

const order = {prompt: 'x', seed: 1, width: 64, height: 64, format: 'png', plain: true} as const
const three = `
defaults: {model: mock/sdxl-base, steps: 4, width: 64, height: 64}
assets: [{id: sun, prompt: a sun}, {id: moon, prompt: a moon}, {id: star, prompt: a star}]
`

function digests(at: Rehearsal): Record<string, string> {
  return digestsIn(join(at.folder, 'assets'))
}

describe('generate, run again', () => {
  test('takes no name of another asset for a session that it records', async () => {
    await using at = await rehearse()
    const both = three.replace('{id: moon, prompt: a moon}', '{id: sun_2, prompt: a moon}')
    await at.generate(both.replace('[{id: sun, prompt: a sun}, ', '['), {run: 'r1'})
    await orphan(at, both, {asset: 'sun', phase: 'ack', finished: true, run: 'r1', total: 3})
    await (await at.sessions.claim('gen-r1-sun'))?.append({event: 'failed', state: 'failed'})
    rmSync(outputOf(at, 'sun_2.png'))
    expect(await at.generate(both)).toMatchObject({adopted: 2, failed: 0, exit_code: 0})
  })

  test('goes on with no run whose name could not be one', async () => {
    await using at = await rehearse()
    const id = await orphan(at, three, {asset: 'sun', phase: 'ack', total: 3})
    const history = join(at.folder, '.ag', 'sessions', `${id}.jsonl`)
    const text = readFileSync(history, 'utf8')
    writeFileSync(history, text.replaceAll('"task_id":"dead1"', '"task_id":"../../x"'))
    expect(await at.generate(three)).toMatchObject({made: 3, exit_code: 0})
  })

  test('says of each picture why it is made', async () => {
    const random = three.replace('prompt: a star', 'prompt: a star, seed: random')
    const why = ({assets}: GenerateResult) => Object.fromEntries(assets.map((asset) => [asset.asset, asset.why]))
    await using at = await rehearse({faults: [{when: {prompt: 'moon'}, do: {error: 'ComfyUI errored: no'}, times: 1}]})
    const first = await at.generate(random, {retries: 0, run: 'r1'})
    expect(why(first)).toEqual({sun: 'new', moon: 'new', star: 'new'})
    expect(why(await at.generate(random, {run: 'r2'}))).toEqual({sun: undefined, moon: 'unfinished', star: undefined})
    await using fresh = await rehearse()
    cpSync(join(at.folder, 'assets'), join(fresh.folder, 'assets'), {recursive: true})
    expect(why(await fresh.generate(random))).toMatchObject({sun: 'unrecorded'})
    expect(fresh.events).toContainEqual({
      event: 'notice',
      message: expect.stringMatching(/3 of the pictures that are there/),
    })
    const changed = random.replace('a sun', 'a red sun')
    expect(why(await at.generate(changed, {run: 'r3'}))).toEqual({sun: 'changed', moon: undefined, star: 'random'})
    rmSync(outputOf(at, 'moon.png'))
    expect(why(await at.generate(changed, {run: 'r4'}))).toMatchObject({moon: 'missing'})
    const forced = await at.generate(changed, {run: 'r5', resume: 'never'})
    expect(why(forced)).toMatchObject({sun: 'forced', moon: 'forced'})
  })

  test('keeps what is there, and asks for nothing', async () => {
    await using at = await rehearse()
    await at.generate(three)
    const before = digests(at)
    expect(await at.generate(three)).toMatchObject({made: 0, kept: 3, exit_code: 0})
    expect(await at.asked()).toBe(3)
    expect(digests(at)).toEqual(before)
  })

  test('fetches what was finished from the server where only the histories came along', async () => {
    await using at = await rehearse()
    await at.generate(three)
    await using other = await at.elsewhere()
    expect(await other.generate(three)).toMatchObject({made: 0, adopted: 3, exit_code: 0})
    expect(await at.asked()).toBe(3)
    expect(digests(other)).toEqual(digests(at))
    expect(await other.generate(three)).toMatchObject({made: 0, adopted: 0, kept: 3})
  })

  test('names a picture that is kept where it was looked for, whichever manifest had it made', async () => {
    await using at = await rehearse()
    const one = 'defaults: {model: mock/sdxl-base, steps: 4, width: 64, height: 64}\nassets: [{id: sun, prompt: a sun}]'
    await at.generate(`${one}\noutput: a`)
    await at.generate(`${one}\noutput: b`)
    const kept = await at.generate(`${one}\noutput: a`)
    expect(kept).toMatchObject({kept: 1, assets: [{picture: {path: 'a/sun.png'}}]})
  })

  test('puts back a picture that was deleted', async () => {
    await using at = await rehearse()
    await at.generate(three)
    const before = digests(at)
    rmSync(outputOf(at, 'moon.png'))
    expect(await at.generate(three)).toMatchObject({adopted: 1, kept: 2})
    expect(digests(at)).toEqual(before)
  })

  test('keeps nothing aside of a picture that somebody moved away, or that comes in another format', async () => {
    await using at = await rehearse()
    await at.generate(three)
    await at.write('assets/moon.png', 'brushed up')
    const request = three.replace('prompt: a moon', 'prompt: a moon, params: {imageformat: JPG}')
    expect(await at.generate(request, {overwrite: true})).toMatchObject({made: 1, kept: 2, exit_code: 0})
    expect(existsSync(outputOf(at, 'moon.jpg'))).toBe(true)
    expect(at.events.some((event) => event.event === 'notice' && /changed since/.test(event.message))).toBe(false)
  })

  test('keeps what somebody made of a picture, before another takes its place', async () => {
    await using at = await rehearse()
    await at.generate(three)
    const made = readFileSync(outputOf(at, 'moon.png'))
    const edited = Buffer.concat([made, Buffer.from('brushed up')])
    await at.write('assets/moon.png', edited)
    expect(await at.generate(three)).toMatchObject({adopted: 1, kept: 2})
    const notice = at.events.find((event) => event.event === 'notice')
    const [, kept = ''] =
      /moon had been changed since it was made: what it was is kept as (.+)\.$/.exec(notice?.message ?? '') ?? []
    expect(readFileSync(kept)).toEqual(edited)
    expect(readFileSync(outputOf(at, 'moon.png'))).toEqual(made)
  })

  test.each([
    ['saved by a program that keeps no metadata', () => renderPicture({...order, prompt: 'mine'}, '')],
    ['cut', (made: Buffer) => made.subarray(0, 40)],
    ['empty', () => Buffer.alloc(0)],
  ])('keeps a picture that is %s now, and puts its own in its place', async (_what, edit) => {
    await using at = await rehearse()
    await at.generate(three)
    const made = readFileSync(outputOf(at, 'moon.png'))
    const edited = edit(made)
    await at.write('assets/moon.png', edited)
    expect(await at.generate(three)).toMatchObject({adopted: 1, kept: 2})
    expect(readFileSync(outputOf(at, 'moon.png'))).toEqual(made)
    const notice = at.events.find((event) => event.event === 'notice')
    const [, kept = ''] = /what it was is kept as (.+)\.$/.exec(notice?.message ?? '') ?? []
    expect(readFileSync(kept)).toEqual(edited)
  })

  test('says that generations of a dead process are open which nobody asks for any more', async () => {
    await using at = await rehearse()
    await orphan(at, three, {asset: 'sun', phase: 'ack'})
    expect(await at.generate(three.replace('a sun', 'a red sun'))).toMatchObject({made: 3})
    expect(at.events).toContainEqual({
      event: 'notice',
      message: expect.stringMatching(/^1 generation .* see ag recover/),
    })
  })

  test('makes anew what was changed, and nothing else', async () => {
    await using at = await rehearse()
    await at.generate(three)
    expect(await at.generate(three.replace('a moon', 'a full moon'))).toMatchObject({made: 1, kept: 2})
    expect(await at.asked()).toBe(4)
  })

  test('makes everything when it is told to', async () => {
    await using at = await rehearse()
    await at.generate(three)
    expect(await at.generate(three, {resume: 'never'})).toMatchObject({made: 3, kept: 0})
  })

  test('takes no other picture for the one that is missing on the server', async () => {
    await using at = await rehearse()
    await at.generate(three)
    await using other = await at.elsewhere()
    const history = join(other.folder, '.ag', 'sessions', 'gen-run0-moon.jsonl')
    const changed = readFileSync(history, 'utf8').replaceAll(/"sha256":"\w+"/g, `"sha256":"${'0'.repeat(64)}"`)
    await other.write('.ag/sessions/gen-run0-moon.jsonl', changed)
    expect(await other.generate(three)).toMatchObject({made: 1, adopted: 2})
  })

  test('makes pictures with random seeds anew, but goes on with a run that was interrupted', async () => {
    const random = three.replace('steps: 4', 'steps: 4, seed: random')
    await using at = await rehearse({faults: [{when: {prompt: 'moon'}, times: 1, do: {error: 'ComfyUI errored: {}'}}]})
    const first = await at.generate(random, {retries: 0})
    expect(first).toMatchObject({made: 2, failed: 1})
    const second = await at.generate(random)
    expect(second).toMatchObject({run: first.run, made: 1, kept: 2})
    const third = await at.generate(random)
    expect(third.run).not.toBe(first.run)
    expect(third).toMatchObject({made: 3, kept: 0})
  })
})

describe('generate, after a run with random seeds that came after another and was interrupted', () => {
  test('goes on with it, and pays for nothing twice', async () => {
    const random = three.replace('steps: 4', 'steps: 4, seed: random')
    await using at = await rehearse()
    await at.generate(random)
    at.mock.control({faults: [{when: {prompt: 'moon'}, times: 1, do: {error: 'ComfyUI errored: {}'}}]})
    const second = await at.generate(random, {retries: 0})
    expect(second).toMatchObject({made: 2, failed: 1})
    expect(await at.generate(random)).toMatchObject({run: second.run, made: 1, kept: 2})
  })
})

describe('generate, after a run that died', () => {
  const two = 'assets: [{id: a, prompt: a, model: mock/flux-dev}, {id: b, prompt: b, model: mock/flux-dev}]'

  test('keeps no credential of it once its sessions are settled', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'a', phase: 'ack', finished: true, run: 'old1'})
    await keepCredentialOf(at, id, '0'.repeat(40))
    expect(await at.generate(two)).toMatchObject({adopted: 1, made: 1})
    await at.sessions.close()
    expect(readdirSync(join(at.folder, '.ag', 'local', 'private'))).toEqual([])
  })

  test('is content also where nothing can be tidied up', async () => {
    await using at = await rehearse()
    await orphan(at, two, {asset: 'a', phase: 'none', run: 'old1'})
    const refuse = async (): Promise<never> => {
      throw new StorageError('Cannot write there.')
    }
    Object.assign(at.sessions.upkeep, {tidy: refuse})
    expect(await at.generate(two)).toMatchObject({exit_code: 0, made: 2})
    expect(at.events).toContainEqual({event: 'notice', message: expect.stringMatching(/Cannot write there/)})
  })

  // No recording shows such an answer of View.
  test.each([
    ['a proxy limits requests', {status: 429, json: {error: 'Too many requests'}}],
    ['the server fails', {status: 500, json: {error_id: 'internal_error', error: 'An internal error occurred'}}],
  ])('gives up nothing, and asks for nothing twice, while %s', async (_why, answer) => {
    await using at = await rehearse()
    const session = await orphan(at, two, {asset: 'a', phase: 'ack', run: 'old1', finished: true})
    const refused = [
      {when: {route: 'View'}, do: answer},
      {when: {route: 'ListImages'}, do: {json: {folders: [], files: [{src: 'x.png', metadata: ''}]}}},
    ]
    at.mock.control({faults: refused})
    await expect(at.generate(two, {run: 'new1', resume: 'adopt'})).rejects.toMatchObject({exitCode: 3})
    expect(await at.sessions.get(session)).toMatchObject({state: 'generating'})
    at.mock.control({faults: []})
    expect(await at.generate(two, {run: 'new2', resume: 'adopt'})).toMatchObject({adopted: 1, made: 1})
  })

  // No recording shows such an answer of View.
  test('makes the others though one picture is not handed out, and gives up nothing', async () => {
    await using at = await rehearse()
    const session = await orphan(at, two, {asset: 'a', phase: 'ack', run: 'old1', finished: true})
    const json = {error: 'Too many requests'}
    at.mock.control({faults: [{when: {route: 'View'}, times: 2, do: {status: 429, json}}]})
    const {assets} = await at.generate(two, {run: 'new1', resume: 'adopt', retries: 1, concurrency: 1})
    expect(assets).toMatchObject([
      {asset: 'a', error: {reason: 'withheld'}},
      {asset: 'b', state: 'completed'},
    ])
    expect(await at.sessions.get(session)).toMatchObject({state: 'generating'})
    expect(await at.generate(two, {run: 'new2', resume: 'adopt'})).toMatchObject({adopted: 1, kept: 1, made: 0})
  })

  // No recording shows a server that cannot read a picture: reference 1.5 has its words.
  test('makes the others though the server cannot read one of its pictures', async () => {
    await using at = await rehearse()
    await orphan(at, two, {asset: 'a', phase: 'ack', run: 'old1', finished: true})
    at.mock.control({
      faults: [
        {when: {route: 'View'}, times: 4, do: {status: 500, json: {error_id: 'file_error', error: 'x'}}},
        {when: {route: 'ListImages'}, do: {json: {folders: [], files: [{src: 'x.png', metadata: ''}]}}},
      ],
    })
    const {assets} = await at.generate(two, {run: 'new1', resume: 'adopt', retries: 1})
    expect(assets).toMatchObject([
      {asset: 'a', error: {reason: 'broken'}},
      {asset: 'b', state: 'completed'},
    ])
    expect(await at.sessions.get('gen-old1-a')).toMatchObject({state: 'generating'})
    // It is not waited for as often as it is tried.
    Object.assign(at.context, {clock: {...at.context.clock, now: () => Date.now() + 31 * 60_000}})
    const json = {error_id: 'file_error', error: 'x'}
    at.mock.control({faults: [{when: {route: 'View'}, times: 4, do: {status: 500, json}}]})
    await at.generate(two, {run: 'new2', resume: 'adopt', retries: 1})
    expect(await at.sessions.get('gen-old1-a')).toMatchObject({state: 'lost', result: {reason: 'broken'}})
  })

  test.each([
    ['and the listing tells of it', {further: true}, []],
    ['and no listing does', {on_the_way: true}, [{when: {route: 'ListImages'}, do: {json: {folders: [], files: []}}}]],
  ])('tries again where a picture is not handed out for a moment, %s', async (_what, act, more) => {
    const json = {error: 'Too many requests'}
    const faults = [
      {when: {prompt: 'a sun'}, do: act},
      {when: {route: 'View'}, times: 1, do: {status: 429, json}},
      ...more,
    ]
    await using at = await rehearse({faults}, {transport: 'http'})
    const one = 'assets: [{id: a, prompt: a sun, model: mock/flux-dev}]'
    expect(await at.generate(one, {retries: 2})).toMatchObject({exit_code: 0, made: 1})
    expect(await at.asked()).toBe(1)
  })
})

describe('generate, after a run in which a preset of the server set the seed', () => {
  const preset = (seed: string) => `
defaults: {model: mock/sdxl-base, steps: 4, width: 64, height: 64}
assets: [{id: sun, prompt: "a sun <preset:night>", seed: ${seed}}]`

  /** The dead run's picture is on the server, with the preset's seed. */
  async function finished(at: Rehearsal, seed: string): Promise<string> {
    const id = await orphan(at, preset(seed), {asset: 'sun', phase: 'ack', run: 'old1'})
    const {key = ''} = (await at.sessions.get(id)) ?? {}
    const parameters = {prompt: 'a sun', model: 'mock/sdxl-base', steps: 4, width: 64, height: 64, seed: 99}
    await at.server.generate({parameters, tag: {run: 'old1', item: 'sun', key}}, {signal: at.context.signal})
    return id
  }

  test.each(['6', 'random'])('takes its picture, also where it asked for the seed %s', async (seed) => {
    await using at = await rehearse()
    await finished(at, seed)
    expect(await at.generate(preset(seed))).toMatchObject({adopted: 1, made: 0})
  })

  test('takes its picture also by a history without prompts', async () => {
    await using at = await rehearse()
    const id = await finished(at, '6')
    await using other = await at.elsewhere()
    const history = join(other.folder, '.ag', 'sessions', `${id}.jsonl`)
    writeFileSync(history, readFileSync(history, 'utf8').split('\n').map(withoutPrompts).join('\n'))
    expect(await other.generate(preset('6'))).toMatchObject({adopted: 1, made: 0})
  })
})

describe('generate, after a run that found some of its pictures on the server', () => {
  test('begins a new run, in which random seeds are new', async () => {
    const manifest = three.replace('prompt: a star', 'prompt: a star, seed: random')
    await using at = await rehearse()
    const runs = [await at.generate(manifest)]
    for (let n = 0; n < 3; n++) {
      rmSync(join(at.folder, 'assets'), {recursive: true})
      runs.push(await at.generate(manifest))
    }
    expect(runs.slice(1)).toMatchObject([
      {made: 1, adopted: 2},
      {made: 1, adopted: 2},
      {made: 1, adopted: 2},
    ])
    expect(new Set(runs.map(({run}) => run)).size).toBe(4)
  })
})

describe('generate under a name', () => {
  test.each([
    ['failed for a moment', {error: 'Something went wrong while generating images.'}],
    ['lost its connection', {drop: 'running'}],
  ] as const)('takes no earlier picture of a random seed for the new one, when that %s', async (_what, act) => {
    const random = 'assets: [{id: a, prompt: a sun, model: mock/flux-dev, width: 64, height: 64, seed: random}]'
    await using at = await rehearse({step_ms: 2})
    const seedOf = ({assets}: GenerateResult) => assets[0]?.seed
    const first = await at.generate(random, {run: 'nightly', resume: 'never'})
    at.mock.control({faults: [{times: 1, do: act}]})
    const second = await at.generate(random, {run: 'nightly', resume: 'never'})
    expect(second).toMatchObject({made: 1})
    expect(seedOf(second)).not.toBe(seedOf(first))
  })

  const faults = [{when: {prompt: 'moon'}, times: 1, do: {error: 'ComfyUI errored: {}'}}]

  test('does not go on with a run that has made another picture of an asset: the two would have one name', async () => {
    await using at = await rehearse({faults})
    const first = await at.generate(three, {retries: 0})
    const edited = await at.generate(three.replace('a sun', 'a red sun'), {retries: 0})
    expect(edited.run).not.toBe(first.run)
    expect(edited).toMatchObject({made: 2, kept: 1})
  })

  test('refuses a name that has made another picture of an asset', async () => {
    await using at = await rehearse()
    await at.generate(three, {run: 'mine', resume: 'adopt'})
    const edited = at.generate(three.replace('a sun', 'a red sun'), {run: 'mine', resume: 'adopt'})
    await expect(edited).rejects.toThrow(/"mine" has made sun with another prompt/)
    expect(await at.asked()).toBe(3)
  })

  test('makes everything again under the same name when it is told to', async () => {
    await using at = await rehearse()
    await at.generate(three, {run: 'mine', resume: 'never'})
    expect(await at.generate(three, {run: 'mine', resume: 'never'})).toMatchObject({made: 3, exit_code: 0})
    expect((await at.sessions.list({active: false})).map(({id}) => id).sort()).toEqual([
      'gen-mine-moon',
      'gen-mine-moon_2',
      'gen-mine-star',
      'gen-mine-star_2',
      'gen-mine-sun',
      'gen-mine-sun_2',
    ])
  })
})

describe('generate against another server than the one before', () => {
  test('takes what lies on disk, whole, whoever made it', async () => {
    await using at = await rehearse()
    await at.generate(three, {run: 'r1'})
    const history = join(at.folder, '.ag', 'sessions', 'gen-r1-sun.jsonl')
    // As a death right before the last line leaves it, and as another user sent it.
    const lines = readFileSync(history, 'utf8').trim().split('\n').slice(0, -1)
    writeFileSync(history, `${lines.join('\n')}\n`.replaceAll('"user":"local"', '"user":"somebody"'))
    rmSync(join(at.folder, '.ag', 'local'), {recursive: true})
    await using again = await at.beside()
    expect(await again.generate(three)).toMatchObject({adopted: 1, kept: 2, exit_code: 0})
  })

  test('does not call lost what that one may have finished', async () => {
    await using at = await rehearse()
    const session = await orphan(at, three, {asset: 'sun', phase: 'ack', finished: true})
    await using other = await rehearse()
    const elsewhere = {...at, context: {...at.context, server: other.server}}
    const file = await at.write('ag.yaml', three)
    const {assets, outputDirectory} = await readManifest(file)
    const how = {concurrency: 2, failFast: false, retries: 0, overwrite: false, allowFuzzyModel: false} as const
    const result = await generate(elsewhere.context, {
      ...how,
      run: 'new',
      resume: 'continue',
      assets,
      outputDirectory,
      workspace: at.folder,
    })
    expect(result).toMatchObject({made: 2, pending: 1, exit_code: 6})
    expect(result.assets.find(({asset}) => asset === 'sun')).toMatchObject({
      error: {reason: 'sent_elsewhere', message: expect.stringContaining(at.server.address)},
    })
    expect(await at.sessions.get(session)).toMatchObject({state: 'generating'})
    expect(await at.generate(three)).toMatchObject({adopted: 1, kept: 2})
  })

  test('takes no placeholder of the embedded mock for a picture', async () => {
    await using at = await rehearse({}, {name: 'mock'})
    await at.generate(three)
    await using real = await at.elsewhere({name: 'http://real'})
    expect(await real.generate(three)).toMatchObject({made: 3})
  })
})

describe('generate, after its process died', () => {
  test('tells why a picture that was found could not be taken', async () => {
    await using at = await rehearse({faults: [{when: {route: 'View'}, do: {truncate: 60}}]})
    await orphan(at, three, {asset: 'sun', phase: 'ack', finished: true})
    await at.generate(three.replace(', {id: moon, prompt: a moon}, {id: star, prompt: a star}', ''), {retries: 0})
    expect(at.events).toContainEqual(expect.objectContaining({event: 'asset.failed', asset: 'sun', reason: 'broken'}))
  })

  test('takes the picture that the server finished meanwhile', async () => {
    await using at = await rehearse()
    const session = await orphan(at, three, {asset: 'sun', phase: 'ack', finished: true, total: 3})
    const result = await at.generate(three)
    expect(result).toMatchObject({run: 'dead1', made: 2, adopted: 1, exit_code: 0})
    expect(await at.asked()).toBe(3)
    expect(await at.sessions.get(session)).toMatchObject({
      state: 'completed',
      epoch: 2,
      result: {recovered: 'server', picture: {path: 'assets/sun.png', sha256: digests(at)['sun.png']}},
    })
  })

  test('takes it also when the death came before the answer', async () => {
    await using at = await rehearse()
    await orphan(at, three, {asset: 'sun', phase: 'intent', finished: true})
    expect(await at.generate(three)).toMatchObject({made: 2, adopted: 1})
    expect(await at.asked()).toBe(3)
  })

  test('takes it on another machine', async () => {
    await using at = await rehearse()
    await orphan(at, three, {asset: 'sun', phase: 'ack', finished: true})
    await using other = await at.elsewhere()
    expect(await other.generate(three)).toMatchObject({made: 2, adopted: 1})
    expect(await at.asked()).toBe(3)
  })

  test('makes what the server knows nothing of', async () => {
    await using at = await rehearse()
    const sent = await orphan(at, three, {asset: 'sun', phase: 'ack'})
    const unsent = await orphan(at, three, {asset: 'moon', phase: 'none'})
    expect(await at.generate(three)).toMatchObject({made: 3, exit_code: 0})
    expect(await at.sessions.get(sent)).toMatchObject({state: 'lost', result: {reason: 'gone'}})
    expect(await at.sessions.get(unsent)).toMatchObject({state: 'failed', result: {reason: 'never_submitted'}})
  })

  test('waits for what the server still works on', async () => {
    await using at = await rehearse({step_ms: 60})
    const session = await orphan(at, three, {asset: 'sun', phase: 'ack'})
    const {parameters} = (await at.sessions.request(session)) ?? {}
    let credential = ''
    const running = new SwarmServer(at.mock.url)
    const sending = running.generate(
      {parameters: parameters as Record<string, string>, tag: {run: 'dead1', item: 'sun'}},
      {
        signal: at.context.signal,
        onSending: async (secret) => {
          credential = secret
        },
      },
    )
    await until('a request', async () => (await at.asked()) > 0)
    await keepCredentialOf(at, session, credential)
    expect(await at.generate(three)).toMatchObject({made: 2, adopted: 1})
    expect(await at.asked()).toBe(3)
    await sending
    await running.close()
  })

  test('takes from the disk what recovery had to put somewhere else', async () => {
    await using at = await rehearse()
    const session = await orphan(at, three, {asset: 'sun', phase: 'ack', finished: true})
    const drawing = await at.write('assets/sun.png', 'a drawing')
    const {assets, outputDirectory} = await readManifest(join(at.folder, 'ag.yaml'))
    const declared = new Map(assets.map((asset) => [asset.id, asset]))
    const places = {workspace: at.folder, sessionsOutput: join(at.folder, 'output'), outputDirectory, declared}
    const how = {giveUpAfterMs: 1, force: false, apply: true, sessions: [], concurrency: 1, retries: 0, retryDelayMs: 1}
    await recover(at.context, {places, ...how})
    expect(await at.sessions.get(session)).toMatchObject({
      result: {picture: {path: `output/${session}/${session}.png`}},
    })
    rmSync(drawing)
    at.mock.control({faults: [{when: {route: 'View'}, do: {status: 404, html: 'gone'}}]})
    const result = await at.generate(three.replace(', {id: moon, prompt: a moon}, {id: star, prompt: a star}', ''))
    expect(result).toMatchObject({made: 0, adopted: 1})
    expect(existsSync(outputOf(at, 'sun.png'))).toBe(true)
  })

  test('makes nothing again that is cancelled while it waits for it', async () => {
    await using at = await rehearse({step_ms: 100_000})
    const session = await orphan(at, three, {asset: 'sun', phase: 'ack'})
    const {parameters} = (await at.sessions.request(session)) ?? {}
    const server = new SwarmServer(at.mock.url)
    const leaving = new AbortController()
    let credential = ''
    const sending = server.generate(
      {parameters: parameters as Record<string, string>, tag: {run: 'dead1', item: 'sun'}},
      {
        signal: leaving.signal,
        onSending: async (secret) => {
          credential = secret
        },
      },
    )
    sending.catch(() => {})
    await until('a request', async () => (await at.asked()) > 0)
    await keepCredentialOf(at, session, credential)
    const resumed = at.generate(three.replace(', {id: moon, prompt: a moon}, {id: star, prompt: a star}', ''))
    await untilTold(at, 'notice')
    const {owner = ''} = (await at.sessions.get(session)) ?? {}
    await at.sessions.runs.requestCancel({session, owner})
    expect(await resumed).toMatchObject({made: 0, pending: 1})
    expect(await at.sessions.get(session)).toMatchObject({state: 'cancelled'})
    expect(await at.asked()).toBe(1)
    leaving.abort()
    await server.close()
  })

  test('says that it waits for what was given up and still runs, and can be cancelled meanwhile', async () => {
    await using at = await rehearse()
    const session = await orphan(at, three, {asset: 'sun', phase: 'ack'})
    const writer = await at.sessions.claim(session)
    await writer?.append({event: 'lost', state: 'lost', result: {reason: 'lost', error: 'x'}})
    const server = Object.assign(new SwarmServer(at.mock.url), {
      workOf: async () => ({waitingGens: 1, loadingModels: 0, waitingBackends: 0, liveGens: 1}),
      findPictures: async () => new Map(),
      sample: async () => ({activity: {waitingGens: 1, loadingModels: 0, waitingBackends: 0, liveGens: 1}}),
    })
    await keepCredentialOf(at, session, 'a1'.repeat(20))
    const {assets, outputDirectory} = await readManifest(join(at.folder, 'ag.yaml'))
    const run = {run: 'r2', resume: 'adopt', assets: assets.slice(0, 1), outputDirectory, workspace: at.folder} as const
    const how = {concurrency: 1, failFast: false, retries: 0, overwrite: false, allowFuzzyModel: false}
    const resumed = generate({...at.context, server}, {...run, ...how})
    await untilTold(at, 'notice')
    await askToStop(at.folder, 'r2')
    expect(await resumed).toMatchObject({made: 0, exit_code: 130})
    expect(await at.asked()).toBe(0)
    await server.close()
  })

  test('asks for nothing twice when nobody can tell what became of it', async () => {
    await using at = await rehearse({
      users: [{name: 'guest', role: 'user'}],
      foreign: {waiting_gens: 1, live_gens: 1},
    })
    await orphan(at, three, {asset: 'sun', phase: 'intent'})
    await using other = await at.elsewhere({userId: 'guest'})
    let now = 0
    const clock = {...other.context.clock, monotonic: () => (now += 20_000)}
    Object.assign(other.context, {clock})
    const result = await other.generate(three)
    expect(result).toMatchObject({made: 2, failed: 1, exit_code: 6})
    expect(result.assets.find(({asset}) => asset === 'sun')).toMatchObject({
      state: 'lost',
      error: {reason: 'outcome_unknown'},
    })
    expect(await at.asked()).toBe(2)
  })

  test('takes for its own what others made in its place, not what another manifest had made elsewhere', async () => {
    await using at = await rehearse()
    const one = 'defaults: {model: mock/sdxl-base, width: 64, height: 64}\nassets: [{id: sun, prompt: a sun}]'
    await at.generate(`${one}\noutput: b`)
    const meanwhile = new Meanwhile(at.context, {workspace: at.folder, run: 'r2', settled: new Set()})
    const lookFor = async (output: string) => {
      const {assets} = await readManifest(await at.write(`${output}.yaml`, `${one}\noutput: ${output}`))
      return assets[0] && meanwhile.lookFor(assets[0])
    }
    expect(await lookFor('b')).toMatchObject({kept: {picture: {path: 'b/sun.png'}}})
    expect(await lookFor('a')).toBeUndefined()
    await at.generate(`${one}\noutput: a`, {resume: 'never'})
    expect(await lookFor('a')).toMatchObject({kept: {picture: {path: 'a/sun.png'}}})
    expect(await lookFor('b')).toMatchObject({kept: {picture: {path: 'b/sun.png'}}})
  })

  test('goes on under the name of the run that was interrupted, and makes the very same files', async () => {
    await using undisturbed = await rehearse()
    await undisturbed.generate(three, {run: 'dead1'})
    await using at = await rehearse()
    await orphan(at, three, {asset: 'moon', phase: 'ack', total: 3})
    await orphan(at, three, {asset: 'sun', phase: 'ack', finished: true, total: 3})
    expect(await at.generate(three)).toMatchObject({run: 'dead1', made: 2, adopted: 1})
    expect(digests(at)).toEqual(digests(undisturbed))
  })
})
