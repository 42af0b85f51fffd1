import {symlink} from 'node:fs/promises'
import {join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, test} from '@jest/globals'
import {findManifest} from '../../src/asset/find-manifest.ts'
import {readManifest} from '../../src/asset/manifest.ts'
import type {ManifestError} from '../../src/asset/manifest-error.ts'
import {STARTER} from '../../src/asset/starter.ts'
import {UsageError} from '../../src/errors.ts'
import {temporaryFolder} from '../support/folder.ts'

async function read(text: string, name = 'ag.yaml') {
  await using folder = temporaryFolder()
  return await readManifest(await folder.write(name, text))
}

/** The problems of a manifest as `line:column path: message`. */
async function problemsOf(text: string): Promise<string[]> {
  const error = await read(text).catch((error: ManifestError) => error)
  if (!(error instanceof UsageError)) throw new Error('The manifest was accepted.')
  expect(error.exitCode).toBe(2)
  return (error as ManifestError).problems.map(
    ({line, column, path, message}) => `${line}:${column} ${path}: ${message}`,
  )
}

describe('a manifest', () => {
  test('gives each asset what is set around it, the nearest first', async () => {
    const {assets} = await read(`
defaults: {model: base, steps: 20, params: {clipskip: 1, vae: x}, prompt_suffix: outer, negative_prompt: bad}
groups:
  - name: icons
    steps: 30
    params: {clipskip: 2}
    assets:
      - {id: sword, prompt: a sword}
      - {id: axe, prompt: an axe, steps: 40, prompt_suffix: "", params: {vae: null}}
    groups:
      - {name: big, width: 512, prompt_prefix: large, assets: [{id: bow, prompt: a bow}]}
assets: [{id: logo, prompt: a logo}]`)
    const of = Object.fromEntries(assets.map(({id, parameters: {seed, ...rest}}) => [id, rest]))
    expect(of).toEqual({
      logo: {prompt: 'a logo, outer', model: 'base', steps: 20, clipskip: 1, vae: 'x', negativeprompt: 'bad'},
      sword: {prompt: 'a sword, outer', model: 'base', steps: 30, clipskip: 2, vae: 'x', negativeprompt: 'bad'},
      axe: {prompt: 'an axe', model: 'base', steps: 40, clipskip: 2, negativeprompt: 'bad'},
      bow: {
        prompt: 'large, a bow, outer',
        model: 'base',
        steps: 30,
        clipskip: 2,
        vae: 'x',
        width: 512,
        negativeprompt: 'bad',
      },
    })
    expect(assets.map(({group}) => group)).toEqual(['', 'icons', 'icons', 'icons/big'])
  })

  test('sends nothing that is not set', async () => {
    const {assets} = await read('assets: [{id: a, prompt: x}]')
    expect(Object.keys(assets[0]?.parameters ?? {})).toEqual(['prompt', 'seed'])
  })

  test.each([
    ['icon.png', 'PNG', 'png'],
    ['icon.JPEG', 'JPG', 'jpg'],
    ['icon.jpg", params: {imageformat: JPG90}, prompt_prefix: "', 'JPG90', 'jpg'],
    ['{id}.webp', 'WEBP', 'webp'],
    ['{id}.{ext}', undefined, 'png'],
    ['icon', undefined, 'png'],
  ])('asks for the format that the path %s says', async (path, imageformat, expected) => {
    const {assets} = await read(`assets: [{id: a, prompt: x, path: "${path}"}]`)
    expect(assets).toMatchObject([{expectedFormat: expected}])
    expect(assets[0]?.parameters['imageformat']).toBe(imageformat)
  })

  test('turns count into assets whose ids and seeds count up', async () => {
    const {assets, outputDirectory} = await read(
      'assets: [{id: a, prompt: x, count: 3, seed: 7, path: "{asset}/{index}-{seed}.png"}]',
    )
    expect(assets.map(({id, parameters}) => [id, parameters['seed']])).toEqual([
      ['a-1', 7],
      ['a-2', 8],
      ['a-3', 9],
    ])
    expect(assets.map((asset) => relative(outputDirectory, asset.pathFor('png')))).toEqual([
      'a/1-7.png',
      'a/2-8.png',
      'a/3-9.png',
    ])
  })

  test('lists LoRAs as the server wants them', async () => {
    const {assets} = await read('assets: [{id: a, prompt: x, loras: [ink, {name: soft, weight: 0.7}]}]')
    expect(assets[0]?.parameters).toMatchObject({loras: ['ink', 'soft'], loraweights: ['1', '0.7']})
  })

  test('derives seeds from ids, so that another asset changes no picture', async () => {
    const seeds = async (text: string) =>
      Object.fromEntries((await read(text)).assets.map(({id, parameters}) => [id, parameters['seed']]))
    const before = await seeds('assets: [{id: a, prompt: x}, {id: b, prompt: y}]')
    const after = await seeds('assets: [{id: new, prompt: z}, {id: b, prompt: y}, {id: a, prompt: x, count: 1}]')
    expect(after).toMatchObject(before)
    expect(before['a']).not.toBe(before['b'])
  })

  test('may be JSON', async () => {
    const {assets} = await read('{"$schema": "x", "version": 1, "assets": [{"id": "a", "prompt": "x"}]}', 'ag.json')
    expect(assets).toHaveLength(1)
  })

  test('may use anchors and merge keys', async () => {
    const {assets} = await read('defaults: &d {steps: 9}\nassets: [{<<: *d, id: a, prompt: x}]')
    expect(assets[0]?.parameters['steps']).toBe(9)
  })

  test('keeps a prompt as it is, whatever it says', async () => {
    const prompt = '::set-output name=x::y \u001b[31m'
    const {assets} = await read(JSON.stringify({assets: [{id: 'a', prompt}]}))
    expect(assets[0]?.prompt).toBe(prompt)
  })

  test('of ten thousand assets is read in a moment', async () => {
    const lines = Array.from({length: 10_000}, (_, at) => `  - {id: a${at}, prompt: picture number ${at}}`)
    const started = performance.now()
    const {assets} = await read(`assets:\n${lines.join('\n')}\n`)
    expect(assets).toHaveLength(10_000)
    expect(performance.now() - started).toBeLessThan(8000)
  })

  test('that init writes is valid, and so is each line of it without its comment mark', async () => {
    expect((await read(STARTER)).assets).toHaveLength(2)
    for (const [line] of STARTER.matchAll(/^ +# (?=[a-z_]+:).*$/gm)) {
      await expect(read(STARTER.replace(line, line.replace('# ', '')))).resolves.toBeDefined()
    }
  })

  test('of the example declares about twenty pictures', async () => {
    const example = fileURLToPath(new URL('../../fixtures/manifests/game.yaml', import.meta.url))
    expect((await readManifest(example)).assets.length).toBeGreaterThanOrEqual(19)
  })
})

describe('a wrong manifest tells the place, what was expected and what may be meant', () => {
  test.each([
    ['assets: [{id: a, prompt: x, widht: 64}]', '1:29 assets[0].widht: unknown key "widht", did you mean "width"?'],
    [
      'defaults:\n  stesp: 3\nassets: [{id: a, prompt: x}]',
      '2:3 defaults.stesp: unknown key "stesp", did you mean "steps"?',
    ],
    ['asset: []', '1:1 asset: unknown key "asset", did you mean "assets"?'],
    ['groups: [{name: g, asets: []}]', '1:20 groups[0].asets: unknown key "asets", did you mean "assets"?'],
    [
      'assets: [{id: a, prompt: x, frobnicate: 1}]',
      '1:29 assets[0].frobnicate: unknown key "frobnicate"; parameters of the server go under "params"',
    ],
    [
      'assets: [{id: a, prompt: x, loras: [{nam: ink}]}]',
      '1:37 assets[0].loras[0]: name: is missing (expected a text); unknown key "nam"',
    ],
    ['assets: [{id: a, prompt: x}]\n---\nassets: []', '2:1 : a second YAML document begins here; a manifest is one'],
    ['assets: [{id: a, prompt: x, prompt: y}]', '1:29 : this key is in its map already'],
    ['assets: [{id: a, prompt: x, steps: many}]', '1:36 assets[0].steps: expected a number, got the text "many"'],
    ['assets: [{id: a, prompt: x, width: 12}]', '1:36 assets[0].width: expected a number of at least 64, got 12'],
    [
      'assets: [{id: a, prompt: x, seed: soon}]',
      '1:35 assets[0].seed: expected a number or "random", got the text "soon"',
    ],
    ['assets: [{id: a, prompt: x, count: 0}]', '1:36 assets[0].count: expected a number of at least 1, got 0'],
    ['assets: [{id: a}]', '1:10 assets[0].prompt: is missing (expected a text)'],
    ['assets: {id: a}', '1:1 assets: expected a list, got a map'],
    ['version: 2\nassets: [{id: a, prompt: x}]', '1:10 version: expected 1, got 2'],
    [
      'assets: [{id: "a b", prompt: x}]',
      '1:15 assets[0].id: expected letters, digits, "_" and "-", beginning with a letter or digit, at most 80, got the text "a b"',
    ],
    ['assets: [{id: con, prompt: x}]', '1:10 assets[0]: the id "con" is the name of a device on Windows'],
    [
      'assets: [{id: a, prompt: x}, {id: A, prompt: y}]',
      '1:35 assets[1].id: the id "A" is already taken by "a": ids are unique, and case does not count',
    ],
    [
      'assets: [{id: a, prompt: x, count: 2}, {id: a-2, prompt: y}]',
      '1:45 assets[1].id: the id "a-2" is already taken: ids are unique, and case does not count',
    ],
    [
      'assets: [{id: a, prompt: x, path: same.png}, {id: b, prompt: y, path: Same.png}]',
      '1:51 assets[1].id: "b" and "a" have the same output path: give "path" a placeholder that tells them apart, such as {id}',
    ],
    [
      'assets: [{id: a, prompt: x, path: "{idd}.png"}]',
      '1:10 assets[0]: path: unknown placeholder {idd}, did you mean {id}?',
    ],
    [
      'assets: [{id: a, prompt: x, path: ../out.png}]',
      '1:10 assets[0]: The output path "../out.png" leaves the output directory. Paths are relative to the output directory and stay inside of it.',
    ],
    [
      'assets: [{id: a, prompt: x, path: /etc/out.png}]',
      '1:10 assets[0]: The output path "/etc/out.png" is absolute. Paths are relative to the output directory and stay inside of it.',
    ],
    [
      'assets: [{id: a, prompt: x, path: icon.jpg, params: {imageformat: PNG}}]',
      '1:10 assets[0]: The picture of a is png, but its path "icon.jpg" has another ending. Write {ext} for the ending, or leave imageformat out of the params: the ending says it.',
    ],
    [
      'assets: [{id: a, prompt: x, path: .ag/sessions/x.png}]',
      '1:10 assets[0]: The output path ".ag/sessions/x.png" leads into .ag, which is not for pictures. Paths are relative to the output directory and stay inside of it.',
    ],
    [
      'assets: [{id: a, prompt: x, path: a.png}, {id: b, prompt: x, path: a.png/b.png}]',
      '1:48 assets[1].id: the output path of "a" is a folder in that of "b"',
    ],
    [
      'assets: [{id: b, prompt: x, path: a.png/b.png}, {id: a, prompt: x, path: a.png}]',
      '1:54 assets[1].id: the output path of "a" is a folder in that of "b"',
    ],
    ['assets: [{id: a, prompt: x, params: {Steps: 3}}]', '1:10 assets[0]: params: "Steps" is set with the key "steps"'],
    [
      'assets: [{id: a, prompt: x, params: {images: 3}}]',
      '1:10 assets[0]: params: "images" is set with the key "count": each picture is a request of its own',
    ],
    [
      'assets: [{id: a, prompt: x, params: {do_not_save: true}}]',
      '1:10 assets[0]: params: "do_not_save" would make a picture that cannot be found again when the connection breaks',
    ],
    [
      'assets: [{id: a, prompt: x, params: {clip_skip: 1, ClipSkip: 2}}]',
      '1:10 assets[0]: params: "ClipSkip" is given twice: the server reads it as "clipskip"',
    ],
    ['', '1:1 : declares no assets'],
    ['assets: []', '1:1 : declares no assets'],
    ['- a', '1:1 : expected a map of keys and values, got a list'],
    ['assets: [', '1:10 : Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ['assets: []\nassets: []', '2:1 : this key is in its map already'],
  ])('%j', async (text, problem) => {
    expect(await problemsOf(text)).toContain(problem)
  })

  test('and all of it at once', async () => {
    expect(await problemsOf('assets: [{id: a, prompt: 1, width: x}, {id: b}]')).toHaveLength(3)
  })

  test('but not more than anyone reads', async () => {
    const bad = Array.from({length: 50}, (_, at) => `{id: a${at}, prompt: x, w: 1}`).join(', ')
    await expect(read(`assets: [${bad}]`)).rejects.toThrow(/and 30 more$/)
  })

  test.each([
    ['assets: [{<<: *bse, id: a, prompt: x}]', /^1:15 : \*bse stands for nothing: there is no &bse before it$/],
    ['a: *nope\nassets: []', /^1:4 : \*nope stands for nothing/],
    ['a: &a [1]\nassets: [{<<: *a, id: a, prompt: x}]', /^1:1 : Merge sources must be maps/],
    ['output: C:\\pics\nassets: [{id: a, prompt: x}]', /^1:9 output: has a backslash/],
    ['output: ~/pics\nassets: [{id: a, prompt: x}]', /^1:9 output: begins with ~/],
  ])('what only looks like YAML or a folder is told with its place: %j', async (text, problem) => {
    expect((await problemsOf(text)).join('\n')).toMatch(problem)
  })

  test('an alias bomb is refused', async () => {
    const bomb = `a: &a [x]\nb: &b [${'*a,'.repeat(60)}]\nc: [${'*b,'.repeat(60)}]\nassets: [{id: a, prompt: x}]`
    expect(await problemsOf(bomb)).toEqual(['1:1 : has more than 100 aliases'])
  })
})

describe('a manifest file', () => {
  test.each([
    ['that is not there', 'missing.yaml', undefined, /there is no such file/],
    ['that is not UTF-8', 'ag.yaml', new Uint8Array([0xff, 0xfe, 0x41]), /not UTF-8/],
    ['that is far too large', 'ag.yaml', new Uint8Array(17 * 2 ** 20), /larger than 16 MiB/],
  ])('%s is refused', async (_what, name, content, message) => {
    await using folder = temporaryFolder()
    const path = content ? await folder.write(name, content) : join(folder.path, name)
    await expect(readManifest(path)).rejects.toThrow(message)
  })

  test('that is a folder is refused', async () => {
    await using folder = temporaryFolder()
    await expect(readManifest(folder.path)).rejects.toThrow(/is not a file|it is a folder/)
  })

  test('is found by its usual names, or asked for', async () => {
    await using folder = temporaryFolder()
    await expect(findManifest(folder.path)).rejects.toThrow(/There is no manifest/)
    await folder.write('ag.json', '{}')
    expect(await findManifest(folder.path)).toBe(join(folder.path, 'ag.json'))
    await symlink(join(folder.path, 'ag.json'), join(folder.path, 'ag.yaml'))
    expect(await findManifest(folder.path)).toBe(join(folder.path, 'ag.yaml'))
  })
})
