import type * as z from 'zod/mini'
import {UsageError} from '../errors.ts'
import type {CancelSettings} from '../face/cancel-settings.ts'
import type {ImageSettings} from '../face/image-settings.ts'
import type {RecoverSettings} from '../face/recover-settings.ts'
import type {RunSettings} from '../face/run-settings.ts'
import type {WaitSettings} from '../face/run-wait.ts'
import type {ServerSettings, StateSettings} from '../face/settings.ts'
import {foreignLine} from '../text.ts'
import {COMMANDS, ENVIRONMENT, imageInputs, keepSchema, NEEDS, presetOf} from './input-schemas.ts'

export type Keep = z.output<typeof keepSchema>

type Server = ServerSettings & StateSettings

/** One command with its settings, as the command line would have parsed them from flags. */
export type Command =
  | {
      readonly name: 'generate'
      readonly settings: Server & RunSettings & GenerateSettings
      readonly image?: ImageSettings
    }
  | {readonly name: 'wait-idle'; readonly settings: WaitSettings}
  | {readonly name: 'status'; readonly settings: Server}
  | {readonly name: 'doctor'; readonly settings: Server}
  | {readonly name: 'recover'; readonly settings: Server & RecoverSettings & {readonly manifest: string | undefined}}
  | {readonly name: 'cancel'; readonly settings: CancelSettings & {readonly session: string[] | undefined}}

/** The command of one name. */
export type CommandOf<Name extends Command['name']> = Extract<Command, {readonly name: Name}>

interface GenerateSettings {
  readonly manifest: string | undefined
  readonly force: boolean
  readonly run: string | undefined
}

export interface Inputs {
  readonly command: Command
  readonly keep: Keep
  /**
   * What was given for the command, by inputs or the environment, and is not what it would be anyway: how a person would give the
   * same.
   */
  readonly given: ReadonlyMap<string, string>
}

const COMMAND_NAMES = Object.keys(COMMANDS) as Command['name'][]
const GETS_PICTURES: ReadonlySet<string> = new Set(['generate', 'recover'])

/**
 * Reads the inputs of a step: `INPUT_` and the name in capitals, as the runner hands them over. Throws `UsageError` that names
 * each input that is wrong, and one that the command does nothing with.
 */
export function readInputs(env: NodeJS.ProcessEnv): Inputs {
  const read = (name: string): string | undefined => env[`INPUT_${name.toUpperCase()}`]?.trim() || undefined
  const readOrAsk = (name: string): string | undefined => read(name) ?? (env[ENVIRONMENT[name] ?? ''] || undefined)
  const name = read('command') ?? 'generate'
  if (!isCommand(name)) {
    throw new UsageError(`The input command is "${foreignLine(name, 40)}".`, {
      next: `Give one of ${COMMAND_NAMES.join(', ')}.`,
    })
  }
  const keep = parse(keepSchema, read)
  refuseOthers(name, keep, read)
  const settings = parse(COMMANDS[name], readOrAsk)
  refuseContradictions(settings, read)
  return {command: commandOf(name, settings), keep, given: givenFor(name, settings, readOrAsk)}
}

function isCommand(word: string): word is Command['name'] {
  return Object.hasOwn(COMMANDS, word)
}

/** An input that the command takes no notice of is a mistake; one that says what would be so anyway (a default of action.yml) is not. */
function refuseOthers(name: Command['name'], keep: Keep, read: (input: string) => string | undefined): void {
  if (keep['upload-pictures'] && !GETS_PICTURES.has(name)) {
    throw new UsageError(`The input upload-pictures does nothing for the command ${name}.`, {next: 'Leave it out.'})
  }
  const own = COMMANDS[name].shape
  for (const [input, schema] of Object.values(COMMANDS).flatMap(({shape}) => Object.entries(shape))) {
    const value = read(input)
    if (Object.hasOwn(own, input) || value === undefined || isPreset(schema, value)) continue
    const takers = COMMAND_NAMES.filter((one) => Object.hasOwn(COMMANDS[one].shape, input))
    throw new UsageError(`The input ${input} does nothing for the command ${name}.`, {
      next: `It is for ${takers.join(', ')}. Leave it out.`,
    })
  }
}

/** Whether an input says what would be so anyway, in whatever spelling. */
function isPreset(schema: z.ZodMiniType, value: string): boolean {
  const preset = presetOf(schema)
  return value === preset || (preset !== undefined && schema.safeParse(value).data === schema.safeParse(preset).data)
}

/** What only a manifest has. */
const FOR_MANIFESTS = ['manifest', 'run', 'force']

function refuseContradictions(
  settings: Readonly<Record<string, unknown>>,
  read: (input: string) => string | undefined,
): void {
  for (const [input, needed] of Object.entries(NEEDS)) {
    if (!settings[input] || settings[needed]) continue
    throw new UsageError(`The input ${input} says nothing without ${needed}.`, {
      next: `Set "${needed}: true", or leave it out.`,
    })
  }
  if (settings['run'] !== undefined && settings['all'] === true) {
    throw new UsageError('The inputs run and all exclude each other.', {next: 'Give one of them.'})
  }
  if (!('prompt' in settings)) return
  const hasPrompt = settings['prompt'] !== undefined
  // What the environment says (AG_MODEL) is for whoever takes it; what stands in the step is meant for it.
  const stray = (hasPrompt ? FOR_MANIFESTS : Object.keys(imageInputs)).find((input) => {
    return settings[input] !== undefined && read(input) !== undefined && String(settings[input]) !== presetIn(input)
  })
  if (stray === undefined) return
  throw hasPrompt
    ? new UsageError(`The input ${stray} is for a manifest, and there is a prompt.`, {next: 'Leave one of them out.'})
    : new UsageError(`The input ${stray} is for a picture from a prompt, and there is none.`, {
        next: 'Give the input prompt, or set it in the manifest.',
      })
}

function presetIn(input: string): string | undefined {
  const schema = new Map<string, z.core.$ZodType>(Object.entries(COMMANDS.generate.shape)).get(input)
  return schema && presetOf(schema)
}

function commandOf(name: Command['name'], settings: object): Command {
  if (name !== 'generate') return {name, settings} as Command
  const all = settings as Server &
    RunSettings &
    GenerateSettings &
    Omit<ImageSettings, 'prompt'> & {readonly prompt: string | undefined}
  const {prompt} = all
  return prompt === undefined ? {name, settings: all} : {name, settings: all, image: {...all, prompt}}
}

function givenFor(
  name: Command['name'],
  settings: Readonly<Record<string, unknown>>,
  read: (input: string) => string | undefined,
): Map<string, string> {
  const given = new Map<string, string>()
  for (const [input, schema] of Object.entries(COMMANDS[name].shape)) {
    const text = read(input)
    if (text === undefined || (input in imageInputs && name === 'generate' && settings['prompt'] === undefined))
      continue
    // Yes and No are true and false.
    const value = typeof settings[input] === 'boolean' ? String(settings[input]) : text
    if (value !== presetOf(schema)) given.set(input, value)
  }
  return given
}

function parse<Schema extends z.ZodMiniObject>(
  schema: Schema,
  read: (input: string) => string | undefined,
): z.output<Schema> {
  const names = Object.keys(schema.shape)
  const parsed = schema.safeParse(Object.fromEntries(names.map((name) => [name, read(name)])))
  if (parsed.success) return parsed.data
  const told = parsed.error.issues.map(({path: [input], message}) => {
    const name = String(input)
    return `The input ${name} is "${foreignLine(read(name) ?? '', 60)}", and has to be ${message}.`
  })
  throw new UsageError(told.join('\n'), {next: 'See the table of inputs in the README.'})
}
