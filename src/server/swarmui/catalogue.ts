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
      checked[key] = value.map((name) => exactName('LoRA', String(name), names(catalogue, 'LoRA')))
    } else if (entry?.type === 'dropdown' && entry.values?.length) {
      const choices = entry.values.map((choice) => choice.split('///')[0] ?? choice)
      checked[key] = exactName(entry.name.toLowerCase(), String(value), choices)
    }
  }
  return checked
}

/** A model's or LoRA's name as parameters and metadata carry it: without the file's ending. */
export function withoutEnding(name: string): string {
  return name.replace(/\.(safetensors|sft|ckpt|pth?|gguf|engine)$/i, '')
}

function names(catalogue: ParameterList, kind: string): readonly string[] {
  return (catalogue.models[kind] ?? []).map((entry) => withoutEnding(typeof entry === 'string' ? entry : entry[0]))
}

function exactModel(wanted: string, have: readonly string[], allowFuzzy: boolean): string {
  if (!allowFuzzy) return exactName('model', wanted, have)
  const text = wanted.toLowerCase()
  return have.some((name) => name.toLowerCase().includes(text)) ? wanted : exactName('model', wanted, have)
}

function exactName(kind: string, wanted: string, have: readonly string[]): string {
  const bare = withoutEnding(wanted).toLowerCase()
  const found = have.find((name) => name.toLowerCase() === bare)
  if (found !== undefined) return found
  const near = nearest(withoutEnding(wanted), have)
  const partial = kind === 'model' && have.some((name) => name.toLowerCase().includes(bare))
  throw new UsageError(`The server has no ${kind} "${foreignLine(wanted, 120)}".`, {
    next: [
      near.length > 0
        ? `Did you mean ${near.map((name) => `"${foreignLine(name, 120)}"`).join(' or ')}?`
        : listing(kind, have),
      ...(partial ? ['(--allow-fuzzy-model lets the server choose.)'] : []),
    ].join(' '),
  })
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
