import {Flags} from '@oclif/core'

/** What picture to make, for `generate image`; the same settings a manifest knows. */
export const imageFlags = {
  prompt: Flags.string({char: 'p', required: true, description: 'What the picture shows.', helpGroup: 'PICTURE'}),
  'negative-prompt': Flags.string({char: 'n', description: 'What should not be in it.', helpGroup: 'PICTURE'}),
  model: Flags.string({
    char: 'm',
    env: 'AG_MODEL',
    description: 'Model by its name on the server.',
    helpGroup: 'PICTURE',
  }),
  width: Flags.integer({min: 64, max: 16384, description: 'Pixels.', helpGroup: 'PICTURE'}),
  height: Flags.integer({min: 64, max: 16384, description: 'Pixels.', helpGroup: 'PICTURE'}),
  steps: Flags.integer({min: 0, max: 500, description: 'Sampling steps.', helpGroup: 'PICTURE'}),
  seed: Flags.string({description: 'A number. Default: a new one each time, which is recorded.', helpGroup: 'PICTURE'}),
  'cfg-scale': Flags.string({aliases: ['cfg'], description: 'How closely to follow the prompt.', helpGroup: 'PICTURE'}),
  sampler: Flags.string({description: 'Sampler by its name on the server.', helpGroup: 'PICTURE'}),
  scheduler: Flags.string({description: 'Scheduler by its name on the server.', helpGroup: 'PICTURE'}),
  lora: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME[:WEIGHT]',
    description: 'A LoRA, repeatable. The weight follows the last colon.',
    helpGroup: 'PICTURE',
  }),
  count: Flags.integer({
    min: 1,
    max: 10_000,
    default: 1,
    description: 'How many pictures; a seed counts up.',
    helpGroup: 'PICTURE',
  }),
  param: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'KEY=VALUE',
    description: "Any other parameter by the server's name, repeatable.",
    helpGroup: 'PICTURE',
  }),
  'output-dir': Flags.string({
    char: 'o',
    description: 'Where to put the pictures. Default: output/SESSION.',
    helpGroup: 'PICTURE',
  }),
  name: Flags.string({
    description:
      'File name template in the output directory: {id} {index} {seed} {model} {ext}. Default: {id}-{seed}.{ext}, and {id}.{ext} in a folder of the session.',
    helpGroup: 'PICTURE',
  }),
} as const
