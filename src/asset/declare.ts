import {UsageError} from '../errors.ts'
import type {Asset, ImageFormat} from './asset.ts'
import {expandTemplate, inside, isWindowsDevice, templateProblem} from './output-path.ts'
import {type ParameterValue, parameterId, reservedParameter, SETTING_PARAMETERS} from './parameter.ts'
import type {Settings} from './schema.ts'
import {seedFor} from './seed.ts'

/** An asset as somebody declared it: in a manifest with everything inherited, or on the command line. */
export interface Declaration {
  readonly id: string
  readonly group: string
  readonly prompt: string
  readonly settings: Settings
  /** Absolute. */
  readonly outputDirectory: string
}

const DEFAULT_PATH = '{group}/{id}.{ext}'
const ENDINGS: Readonly<Record<string, ImageFormat>> = {png: 'png', jpg: 'jpg', jpeg: 'jpg', webp: 'webp'}

/**
 * The pictures a declaration stands for: one, or `count` of them, whose ids and seeds count up. Throws `UsageError` whose
 * message says what is wrong with it.
 */
export function declareAssets({id, group, prompt, settings, outputDirectory}: Declaration): readonly Asset[] {
  if (isWindowsDevice(id)) throw new UsageError(`the id "${id}" is the name of a device on Windows`)
  const count = settings.count ?? 1
  const template = withEnding(settings.path ?? DEFAULT_PATH)
  const parameters = {...formatOf(template), ...sharedParameters(prompt, settings)}
  const expectedFormat = formatFor(parameters)
  const problem = templateProblem(template)
  if (problem !== undefined) throw new UsageError(`path: ${problem}`)
  return Array.from({length: count}, (_, index): Asset => {
    const own = count === 1 ? id : `${id}-${index + 1}`
    const seed = seedFor(settings.seed, id, index)
    const values = {id: own, asset: id, group, index: index + 1, seed, model: settings.model ?? ''}
    const pathFor = (format: ImageFormat): string => {
      const path = expandTemplate(template, {...values, ext: format})
      const ending = ENDINGS[path.slice(path.lastIndexOf('.') + 1).toLowerCase()]
      if (ending === format) return inside(outputDirectory, path)
      throw new UsageError(`The picture of ${own} is ${format}, but its path "${path}" has another ending.`, {
        next: 'Write {ext} for the ending, or leave imageformat out of the params: the ending says it.',
      })
    }
    // Expanded once here, so that a path that cannot be is found before anything is sent.
    pathFor(expectedFormat)
    return {
      id: own,
      group,
      prompt: String(parameters['prompt']),
      parameters: {...parameters, seed},
      randomSeed: settings.seed === 'random',
      expectedFormat,
      pathFor,
    }
  })
}

function sharedParameters(prompt: string, settings: Settings): Record<string, ParameterValue> {
  const parameters: Record<string, ParameterValue> = {
    prompt: [settings.prompt_prefix, prompt, settings.prompt_suffix].filter(Boolean).join(', '),
  }
  for (const [setting, parameter] of Object.entries(SETTING_PARAMETERS)) {
    const value = settings[setting as keyof typeof SETTING_PARAMETERS]
    if (value !== undefined) parameters[parameter] = value
  }
  if (settings.loras?.length) {
    const loras = settings.loras.map((lora) => (typeof lora === 'string' ? {name: lora, weight: 1} : lora))
    parameters['loras'] = loras.map(({name}) => name)
    parameters['loraweights'] = loras.map(({weight}) => String(weight))
  }
  return {...parameters, ...freeParameters(settings.params ?? {})}
}

function freeParameters(params: NonNullable<Settings['params']>): Record<string, ParameterValue> {
  const free: Record<string, ParameterValue> = {}
  for (const [name, value] of Object.entries(params)) {
    if (value === null) continue
    const reserved = reservedParameter(name)
    if (reserved !== undefined) throw new UsageError(`params: "${name}" ${reserved}`)
    const id = parameterId(name)
    if (id === '') throw new UsageError(`params: "${name}" has no letters, so the server has no parameter of that name`)
    if (id in free) throw new UsageError(`params: "${name}" is given twice: the server reads it as "${id}"`)
    free[id] = value
  }
  return free
}

const IMAGE_FORMATS: Readonly<Record<ImageFormat, string>> = {png: 'PNG', jpg: 'JPG', webp: 'WEBP'}

/** A path with an ending is a format asked for, whatever the server's user has for a default. */
function formatOf(template: string): Record<string, ParameterValue> {
  const format = ENDINGS[template.slice(template.lastIndexOf('.') + 1).toLowerCase()]
  return format ? {imageformat: IMAGE_FORMATS[format]} : {}
}

function formatFor(parameters: Readonly<Record<string, ParameterValue>>): ImageFormat {
  const wanted = String(parameters['imageformat'] ?? 'PNG').toLowerCase()
  return ENDINGS[/^[a-z]+/.exec(wanted)?.[0] ?? ''] ?? 'png'
}

function withEnding(template: string): string {
  const last = template.slice(template.lastIndexOf('.') + 1).toLowerCase()
  return last === '{ext}' || last in ENDINGS ? template : `${template}.{ext}`
}
