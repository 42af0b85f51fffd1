import {resolve} from 'node:path'
import {Flags} from '@oclif/core'
import type {Asset} from '../asset/asset.ts'
import {declareAssets} from '../asset/declare.ts'
import {UsageError} from '../errors.ts'

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
    description: 'File name template in the output directory: {id} {index} {seed} {model} {ext}.',
    helpGroup: 'PICTURE',
  }),
} as const

interface ImageFlags {
  readonly prompt: string
  readonly 'negative-prompt': string | undefined
  readonly model: string | undefined
  readonly width: number | undefined
  readonly height: number | undefined
  readonly steps: number | undefined
  readonly seed: string | undefined
  readonly 'cfg-scale': string | undefined
  readonly sampler: string | undefined
  readonly scheduler: string | undefined
  readonly lora: string[] | undefined
  readonly count: number
  readonly param: string[] | undefined
  readonly 'output-dir': string | undefined
  readonly name: string | undefined
}

/** The assets that the flags declare and where they go. Throws `UsageError` that names the flag. */
export function assetsFromFlags(
  flags: ImageFlags,
  run: string,
): {assets: readonly Asset[]; outputDirectory: string; snapshots: boolean} {
  // Without a place of their own the pictures go where seed 004 looks for a session's outputs.
  const snapshots = flags['output-dir'] === undefined
  const outputDirectory = resolve(flags['output-dir'] ?? 'output')
  const name = flags.name ?? (snapshots ? '{id}.{ext}' : '{id}-{seed}.{ext}')
  const settings = {
    model: flags.model,
    negative_prompt: flags['negative-prompt'],
    width: flags.width,
    height: flags.height,
    steps: flags.steps,
    seed: flags.seed === undefined || flags.seed === 'random' ? ('random' as const) : wholeNumber('--seed', flags.seed),
    cfg_scale: flags['cfg-scale'] === undefined ? undefined : decimal('--cfg-scale', flags['cfg-scale']),
    sampler: flags.sampler,
    scheduler: flags.scheduler,
    loras: flags.lora?.map(readLora),
    count: flags.count,
    path: snapshots ? `gen-${run}-{id}/${name}` : name,
    params: Object.fromEntries((flags.param ?? []).map(readParameter)),
  }
  return {
    assets: declareAssets({id: 'image', group: '', prompt: flags.prompt, settings, outputDirectory}),
    outputDirectory,
    snapshots,
  }
}

function readLora(text: string): {name: string; weight: number} {
  const [, name = text, weight = '1'] = /^(.+):(-?\d*\.?\d+)$/.exec(text) ?? []
  return {name, weight: decimal(`--lora ${name}`, weight)}
}

function readParameter(text: string): [string, string | boolean] {
  const at = text.indexOf('=')
  if (at < 1)
    throw new UsageError(`--param "${text}" is not of the form KEY=VALUE.`, {
      next: 'Example: --param clipstopatlayer=-2',
    })
  const value = text.slice(at + 1)
  const typed: Readonly<Record<string, boolean>> = {true: true, false: false}
  return [text.slice(0, at), typed[value] ?? value]
}

function wholeNumber(flag: string, text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number + 10_000)) return number
  throw new UsageError(`${flag} "${text}" is not a whole number from 0 to 9007199254730991.`, {
    next: 'Leave it out for a new one.',
  })
}

function decimal(flag: string, text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isFinite(number)) return number
  throw new UsageError(`${flag} "${text}" is not a number.`, {next: 'Example: 7.5'})
}
