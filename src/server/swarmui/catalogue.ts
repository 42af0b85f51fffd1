import type {ParameterValue} from '../../asset/parameter.ts'
import {UsageError} from '../../errors.ts'
import {nearest} from '../../nearest.ts'
import {foreignLine} from '../../text.ts'
import type {CheckOptions} from '../image-server.ts'
import type {ParameterList} from './wire.ts'

type Parameters = Readonly<Record<string, ParameterValue>>

/** Keys of a generation request that are not in the parameter list but mean something to the server. */
const SPECIAL = new Set(['presets'])

/**
 * Checks a request's parameters against what the server has, and returns them with the server's own spelling of model and
 * LoRA names. SwarmUI ignores unknown parameters and takes the shortest model name that contains the text (recording 12):
 * a typing error would cost GPU time and give another picture.
 *
 * Throws `UsageError` that names the nearest names.
 */
export function checkAgainst(
  catalogue: ParameterList,
  parameters: Parameters,
  {allowFuzzyModel}: Pick<CheckOptions, 'allowFuzzyModel'>,
): Record<string, ParameterValue> {
  const checked: Record<string, ParameterValue> = {...parameters}
  for (const [key, value] of Object.entries(parameters)) {
    const entry = catalogue.list.find(({id}) => id === key)
    if (!entry && !SPECIAL.has(key)) throw unknownParameter(key, catalogue)
    if (key === 'model') {
      checked[key] = exactModel(String(value), names(catalogue, 'Stable-Diffusion'), allowFuzzyModel)
    } else if (key === 'loras' && Array.isArray(value)) {
      checked[key] = value.map((name) => exactFile('LoRA', String(name), names(catalogue, 'LoRA')))
    } else if (entry?.type === 'model' && entry.values?.length) {
      checked[key] = exactFile(entry.name.toLowerCase(), String(value), entry.values)
    } else if (entry?.type === 'dropdown' && entry.values?.length) {
      const choices = entry.values.map((choice) => choice.split('///')[0] ?? choice)
      checked[key] = exactChoice(entry.name.toLowerCase(), String(value), choices)
    }
  }
  if (!namesModel(parameters)) throw noModel(names(catalogue, 'Stable-Diffusion'))
  return checked
}

/** A model's or LoRA's name as parameters and metadata carry it: SwarmUI leaves out this one ending, and no other. */
export function withoutEnding(name: string): string {
  return name.replace(/\.safetensors$/i, '')
}

const ENDING = /\.(sft|ckpt|pth?|gguf|engine)$/i

/** The names of all files of a kind. A server before 2025 has "(None)" among them (recording 01 of 0.9.7). */
function names(catalogue: ParameterList, kind: string): readonly string[] {
  const files = (catalogue.models[kind] ?? []).map((entry) => (typeof entry === 'string' ? entry : entry[0]))
  return files.filter((name) => name !== '(None)').map(withoutEnding)
}

/** Without a model SwarmUI refuses what it has queued (recording 12); a preset, or a workflow of one's own, may bring one along. */
function namesModel(parameters: Parameters): boolean {
  if (parameters['model'] !== undefined) return parameters['model'] !== ''
  return Object.keys(parameters).some((key) => key === 'presets' || key.startsWith('comfy'))
}

function noModel(have: readonly string[]): UsageError {
  return new UsageError('No model is named, and SwarmUI takes none by itself.', {
    next: `Set "model", or give --model. ${listing('model', have)}`,
  })
}

function exactModel(wanted: string, have: readonly string[], allowFuzzy: boolean): string {
  const text = wanted.toLowerCase()
  const fuzzy = have.some((name) => name.toLowerCase().includes(text))
  if (allowFuzzy && fuzzy) return wanted
  const hint = fuzzy ? ' (--allow-fuzzy-model lets the server choose.)' : ''
  return exactFile('model', wanted, have, hint)
}

/** A file by its name, which may be given without its ending where that names only one: the server would take any that contains it. */
function exactFile(kind: string, wanted: string, have: readonly string[], hint?: string): string {
  const text = withoutEnding(wanted).toLowerCase()
  const named = have.find((name) => name.toLowerCase() === text)
  if (named !== undefined) return named
  const alike = have.filter((name) => name.replace(ENDING, '').toLowerCase() === text)
  if (alike[0] !== undefined && alike.length === 1) return alike[0]
  throw unknownName(kind, wanted, alike.length > 1 ? alike : have, hint)
}

/** A value of a list, which may well be a file's name. */
function exactChoice(kind: string, wanted: string, have: readonly string[]): string {
  const found = have.find((choice) => choice.toLowerCase() === wanted.toLowerCase())
  if (found !== undefined) return found
  throw unknownName(kind, wanted, have)
}

function unknownName(kind: string, wanted: string, have: readonly string[], hint = ''): UsageError {
  const near = nearest(withoutEnding(wanted), have).map((name) => `"${foreignLine(name, 120)}"`)
  const next = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : listing(kind, have)
  return new UsageError(`The server has no ${kind} "${foreignLine(wanted, 120)}".`, {next: `${next}${hint}`})
}

function listing(kind: string, have: readonly string[]): string {
  if (have.length === 0) return `It has no ${kind} at all.`
  const shown = have.slice(0, 8).map((name) => foreignLine(name, 120))
  return `It has: ${shown.join(', ')}${have.length > shown.length ? `, and ${have.length - shown.length} more` : ''}.`
}

function unknownParameter(key: string, catalogue: ParameterList): UsageError {
  const near = nearest(
    key,
    catalogue.list.map(({id}) => id),
  )
  return new UsageError(`The server has no parameter "${foreignLine(key, 80)}"; it would ignore it silently.`, {
    next:
      near.length > 0
        ? `Did you mean ${near.map((id) => `"${id}"`).join(' or ')}?`
        : "See the server's ListT2IParams for the names it knows.",
  })
}
