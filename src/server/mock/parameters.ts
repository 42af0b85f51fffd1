import {parameterId} from '../../asset/parameter.ts'
import {bareName, findModel} from './models.ts'
import {PARAMETERS, type ParameterDefinition} from './parameter-list.ts'

/** A generation's parameters as the server understood them, in the order they were given. */
export type Understood = Readonly<Record<string, unknown>>

/** The server refuses a parameter; the message is the text it answers with. */
export class ParameterRefused extends Error {}

interface Available {
  readonly models: readonly string[]
  readonly loras: readonly string[]
  readonly mayPickBackend: boolean
  /** 0.9.7 knows fewer. */
  readonly old: boolean
}

const BY_ID = new Map(PARAMETERS.map((definition) => [definition.id, definition]))
const NEWER = new Set(['continueaftererrors'])
const POWERUSER = new Set(['exactbackendid', 'internalbackendtype'])

/**
 * Reads a request's parameters as SwarmUI does (recording 12): names cleaned to letters, the last spelling wins, unknown
 * ones ignored, values taken from their text. Throws `ParameterRefused` with the server's own words.
 */
export function understand(body: Readonly<Record<string, unknown>>, available: Available): Understood {
  const understood: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(body)) {
    const definition = BY_ID.get(parameterId(key))
    if (!definition || (available.old && NEWER.has(definition.id))) continue
    if (POWERUSER.has(definition.id) && !available.mayPickBackend) {
      throw new ParameterRefused(`You do not have permission to use parameter ${definition.name}.`)
    }
    understood[definition.id] = readValue(definition, value, available)
  }
  return understood
}

function readValue(definition: ParameterDefinition, value: unknown, available: Available): unknown {
  const text = value === null ? '' : Array.isArray(value) ? value.join(',') : String(value)
  switch (definition.type) {
    case 'integer':
      return readNumber(definition, text, /^-?\d+$/, 'integer', "a valid integer (eg '0', '3', '-5', etc)")
    case 'decimal':
      return readNumber(
        definition,
        text,
        /^-?\d+(\.\d+)?$/,
        'decimal',
        "a valid number (eg '0', '3', '-5', '1.5', etc)",
      )
    case 'boolean':
      return text.toLowerCase() === 'true'
    case 'dropdown':
      return readChoice(definition, text, definition.values ?? [])
    case 'model':
      return definition.id === 'model' ? readModel(definition, text, available.models) : text
    case 'list':
      return definition.id === 'loras' ? readLoras(definition, value, available.loras) : text
    default:
      return text
  }
}

function readNumber(
  definition: ParameterDefinition,
  text: string,
  form: RegExp,
  kind: string,
  expected: string,
): number {
  if (!form.test(text))
    throw refused(definition, `Invalid ${kind} value for param ${definition.name} - '${text}' - must be ${expected}`)
  const number = Number(text)
  const {min, max} = definition
  if ((min !== 0 || max !== 0) && (number < min || number > max)) {
    throw refused(
      definition,
      `Invalid ${kind} value for param ${definition.name} - '${text}' - must be between ${min} and ${max}`,
    )
  }
  return number
}

function readChoice(definition: ParameterDefinition, text: string, choices: readonly string[]): string {
  const wanted = text.toLowerCase()
  const found = choices.find((choice) => choice.toLowerCase() === wanted)
  if (found !== undefined || choices.length === 0) return found ?? text
  throw refused(
    definition,
    `Invalid value for param ${definition.name} - '${text}' - must be one of: ${choices.map((choice) => `\`${choice}\``).join(', ')}`,
  )
}

function readModel(definition: ParameterDefinition, text: string, models: readonly string[]): string {
  if (text === '') return ''
  const found = findModel(models, text)
  if (found !== undefined) return found
  throw refused(
    definition,
    `Invalid model value for param ${definition.name} - '${text}' - are you sure that model name is correct?`,
  )
}

function readLoras(definition: ParameterDefinition, value: unknown, loras: readonly string[]): readonly string[] {
  const names = Array.isArray(value) ? value.map(String) : String(value).split(',').filter(Boolean)
  return names.map((name) => readChoice(definition, bareName(name), loras.length > 0 ? loras : ['(None)']))
}

function refused({name}: ParameterDefinition, reason: string): ParameterRefused {
  return new ParameterRefused(`Invalid value for parameter ${name}: ${reason}`)
}
