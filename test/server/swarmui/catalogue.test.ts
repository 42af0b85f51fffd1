import {describe, expect, test} from '@jest/globals'
import {checkAgainst} from '../../../src/server/swarmui/catalogue.ts'
import {parameterList} from '../../../src/server/swarmui/wire.ts'

/** A server with files of all kinds. The recorded ones have a single checkpoint; SwarmUI lists what is in its folders. */
const catalogue = parameterList.parse({
  list: [
    {id: 'model', name: 'Model', type: 'model'},
    {id: 'loras', name: 'LoRAs', type: 'list'},
    {id: 'vae', name: 'VAE', type: 'model', values: ['Automatic', 'None', 'sdxl_vae', 'flux-ae.sft']},
    {id: 'videomodel', name: 'Video Model', type: 'model', values: []},
    {
      id: 'refinerupscalemethod',
      name: 'Refiner Upscale Method',
      type: 'dropdown',
      values: ['pixel-lanczos///Pixel: Lanczos', 'model-4x-UltraSharp.pth///Model: 4x-UltraSharp.pth'],
    },
  ],
  models: {
    'Stable-Diffusion': [
      ['flux1-dev.safetensors', null],
      ['flux1-dev.gguf', null],
      ['q8/flux1-dev-Q8_0.gguf', null],
      ['twice.gguf', null],
      ['twice.sft', null],
      '(None)',
    ],
    LoRA: [['ink.ckpt', null], '(None)'],
  },
})
const check = (parameters: Parameters<typeof checkAgainst>[1], allowFuzzyModel = false) =>
  checkAgainst(catalogue, {model: 'flux1-dev', ...parameters}, {allowFuzzyModel})

describe('a name of a file', () => {
  test.each([
    ['the ending that SwarmUI leaves out', {model: 'flux1-dev.safetensors'}, {model: 'flux1-dev'}],
    ['none, where there is the plain file', {model: 'Flux1-dev'}, {model: 'flux1-dev'}],
    ['another ending, beside the plain file', {model: 'flux1-dev.gguf'}, {model: 'flux1-dev.gguf'}],
    ['none, where there is only one', {model: 'q8/flux1-dev-q8_0'}, {model: 'q8/flux1-dev-Q8_0.gguf'}],
    ['none, of a LoRA', {loras: ['ink']}, {loras: ['ink.ckpt']}],
    ['none, of another kind', {vae: 'flux-ae'}, {vae: 'flux-ae.sft'}],
    ['no file at all', {vae: 'automatic'}, {vae: 'Automatic'}],
    ['whatever, where the server tells no choices', {videomodel: 'x'}, {videomodel: 'x'}],
  ])('with %s is sent as the server lists it', (_what, given, sent) => {
    expect(check(given)).toEqual({model: 'flux1-dev', ...sent})
  })

  test.each([
    ['two files', {model: 'twice'}, /"twice.sft" or "twice.gguf"/],
    ['a file that is not there', {vae: 'sdxl_va'}, /Did you mean "sdxl_vae"/],
    ['nothing', {model: '(None)'}, /It has: flux1-dev/],
    ['part of a name', {model: 'dev-Q8'}, /--allow-fuzzy-model lets the server choose/],
  ])('that may mean %s is refused', (_what, given, next) => {
    expect(() => check(given)).toThrow(expect.objectContaining({exitCode: 2, next: expect.stringMatching(next)}))
  })

  test.each([{}, {model: ''}])(
    'of a model is needed: %j is refused, which the server would do once it is queued',
    (given) => {
      expect(() => checkAgainst(catalogue, given, {allowFuzzyModel: true})).toThrow(
        expect.objectContaining({exitCode: 2, next: expect.stringMatching(/It has: flux1-dev/)}),
      )
    },
  )

  test('of a model may come with a preset', () => {
    expect(checkAgainst(catalogue, {presets: ['mine']}, {allowFuzzyModel: false})).toEqual({presets: ['mine']})
  })

  test('in a list of choices is a choice like others', () => {
    const method = (refinerupscalemethod: string) => check({refinerupscalemethod})
    expect(method('MODEL-4x-ultrasharp.pth')).toMatchObject({refinerupscalemethod: 'model-4x-UltraSharp.pth'})
    expect(() => method('model-4x-UltraSharp')).toThrow(/no refiner upscale method/)
  })
})
