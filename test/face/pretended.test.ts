import {describe, expect, test} from '@jest/globals'
import {declareAssets} from '../../src/asset/declare.ts'
import {pretendedFor} from '../../src/face/pretended.ts'
import {runGenerate} from '../../src/face/run-generate.ts'
import {RUN_DEFAULTS} from '../../src/face/run-settings.ts'
import {temporaryFolder} from '../support/folder.ts'

function assets(outputDirectory: string, settings: object) {
  return declareAssets({
    id: 'a',
    group: '',
    prompt: 'x',
    settings: {width: 64, height: 64, steps: 1, ...settings},
    outputDirectory,
  })
}

describe('the mock in the process', () => {
  test.each([
    [
      {model: 'juggernautXL_v9', loras: ['ink', {name: 'my/lora', weight: 0.5}]},
      ['juggernautXL_v9'],
      ['ink', 'my/lora'],
    ],
    [{model: 'mock/sdxl-base', loras: ['mock/ink']}, [], []],
    [{}, [], []],
  ])('pretends to have what %j names and no mock has', (settings, models, loras) => {
    expect(pretendedFor(assets('/x', settings))).toEqual({models, loras})
  })

  test('makes the pictures of a manifest for another server, and says so; a misspelt name of its own is told', async () => {
    await using folder = temporaryFolder()
    const notes: string[] = []
    const generate = (model: string) =>
      runGenerate(
        {run: 'r1', resume: 'never', assets: assets(folder.path, {model}), outputDirectory: folder.path},
        settings(folder.path),
        {
          signal: new AbortController().signal,
          report: (event) => void (event.event === 'notice' && notes.push(event.message)),
        },
      )
    expect(await generate('juggernautXL_v9')).toMatchObject({made: 1, assets: [{model: 'juggernautXL_v9'}]})
    expect(notes).toContainEqual(expect.stringMatching(/pretends to have juggernautXL_v9/))
    await expect(generate('mock/sdxl-bsae')).rejects.toThrow(/Did you mean "mock\/sdxl-base"/)
  })
})

function settings(stateDir: string) {
  return {
    ...RUN_DEFAULTS,
    server: 'mock',
    token: undefined,
    authorization: undefined,
    'user-id': undefined,
    header: undefined,
    'allow-insecure': false,
    'state-dir': stateDir,
    'state-file': undefined,
    'fail-fast': false,
    timeout: undefined,
    overwrite: false,
    'allow-fuzzy-model': false,
    'wait-idle': false,
    'wait-timeout': undefined,
    'wait-stable-for': undefined,
  } as const
}
