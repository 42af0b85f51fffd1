import {resolve} from 'node:path'
import type {Asset} from '../asset/asset.ts'
import {Claims} from '../asset/claims.ts'
import {declareAssets} from '../asset/declare.ts'
import {type Settings, settingsSchema} from '../asset/schema.ts'
import {describe} from '../asset/schema-problem.ts'
import {newSeed} from '../asset/seed.ts'
import {UsageError} from '../errors.ts'

/** What picture to make, without a manifest; the same settings a manifest knows. */
export interface ImageSettings {
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

/** The assets that the settings declare and where they go. Throws `UsageError` that names the flag. */
export function assetsFromSettings(
  settings: ImageSettings,
  run: string,
): {assets: readonly Asset[]; outputDirectory: string; snapshots: boolean} {
  // Without a place of their own the pictures go where seed 004 looks for a session's outputs.
  const snapshots = settings['output-dir'] === undefined
  const outputDirectory = resolve(settings['output-dir'] ?? 'output')
  const name = settings.name ?? (snapshots ? '{id}.{ext}' : '{id}-{seed}.{ext}')
  const declared = {
    model: settings.model,
    negative_prompt: settings['negative-prompt'],
    width: settings.width,
    height: settings.height,
    steps: settings.steps,
    seed: settings.seed === undefined || settings.seed === 'random' ? newSeed() : wholeNumber('--seed', settings.seed),
    cfg_scale: settings['cfg-scale'] === undefined ? undefined : decimal('--cfg-scale', settings['cfg-scale']),
    sampler: settings.sampler,
    scheduler: settings.scheduler,
    loras: settings.lora?.map(readLora),
    count: settings.count,
    path: snapshots ? `gen-${run}-{id}/${name}` : name,
    params: Object.fromEntries((settings.param ?? []).map(readParameter)),
  }
  refuseWrong(declared)
  const assets = declareAssets({id: 'image', group: '', prompt: settings.prompt, settings: declared, outputDirectory})
  const claims = new Claims()
  if (assets.some((asset) => claims.claim(asset) !== undefined)) {
    throw new UsageError(`--name "${name}" is the same for several of the ${assets.length} pictures.`, {
      next: 'Use a placeholder that tells them apart: {index}, {id} or {seed}.',
    })
  }
  return {assets, outputDirectory, snapshots}
}

/** What flags are called whose settings have another name. */
const FLAGS: Readonly<Record<string, string>> = {loras: 'lora', params: 'param', path: 'name'}

/** The limits of a manifest are those of the flags. */
function refuseWrong(declared: Settings): void {
  const [issue] = settingsSchema.safeParse(declared, {reportInput: true}).error?.issues ?? []
  if (!issue) return
  const setting = String(issue.path[0])
  throw new UsageError(`--${FLAGS[setting] ?? setting.replaceAll('_', '-')}: ${describe(issue)}.`)
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
