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
export type Task =
  | {
      readonly command: 'generate'
      readonly settings: Server & RunSettings & GenerateSettings
      readonly image?: ImageSettings
    }
  | {readonly command: 'wait-idle'; readonly settings: WaitSettings}
  | {readonly command: 'status'; readonly settings: Server}
  | {readonly command: 'doctor'; readonly settings: Server}
  | {readonly command: 'recover'; readonly settings: Server & RecoverSettings & {readonly manifest: string | undefined}}
  | {readonly command: 'cancel'; readonly settings: CancelSettings & {readonly session: string[] | undefined}}

/** The task of one command. */
export type TaskOf<Command extends Task['command']> = Extract<Task, {readonly command: Command}>

interface GenerateSettings {
  readonly manifest: string | undefined
  readonly force: boolean
  readonly run: string | undefined
}

export interface Inputs {
  readonly task: Task
  readonly keep: Keep
  /** What was given for the command and is not what it would be anyway, by name: how a person would run the same. */
  readonly given: ReadonlyMap<string, string>
}

const MAKES_PICTURES: ReadonlySet<string> = new Set(['generate', 'recover'])

const COMMAND_NAMES = Object.keys(COMMANDS) as Task['command'][]

/**
 * Reads the inputs of a step: `INPUT_` and the name in capitals, as the runner hands them over. Throws `UsageError` that names
 * each input that is wrong, and one that the command does nothing with.
 */
export function readInputs(env: NodeJS.ProcessEnv): Inputs {
  const read = (name: string): string | undefined => env[`INPUT_${name.toUpperCase()}`]?.trim() || undefined
  const command = read('command') ?? 'generate'
  if (!isCommand(command)) {
    throw new UsageError(`The input command is "${foreignLine(command, 40)}".`, {
      next: `Give one of ${COMMAND_NAMES.join(', ')}.`,
    })
  }
  const keep = parse(keepSchema, read)
  refuseOthers(command, read)
  const settings = parse(COMMANDS[command], (name) => read(name) ?? (env[ENVIRONMENT[name] ?? ''] || undefined))
  refuseContradictions(settings)
  const given = new Map<string, string>()
  for (const [name, schema] of Object.entries(COMMANDS[command].shape)) {
    const value = read(name)
    if (value !== undefined && value !== presetOf(schema)) given.set(name, value)
  }
  if (keep['upload-pictures'] && !MAKES_PICTURES.has(command)) {
    throw new UsageError(`The input upload-pictures does nothing for the command ${command}.`, {next: 'Leave it out.'})
  }
  return {task: toTask(command, settings, given), keep, given}
}

function isCommand(word: string): word is Task['command'] {
  return Object.hasOwn(COMMANDS, word)
}

/** An input that the command takes no notice of is a mistake; one that says what would be so anyway (a default of action.yml) is not. */
function refuseOthers(command: Task['command'], read: (name: string) => string | undefined): void {
  const own = COMMANDS[command].shape
  for (const other of COMMAND_NAMES) {
    for (const [name, schema] of Object.entries(COMMANDS[other].shape)) {
      const value = read(name)
      if (Object.hasOwn(own, name) || value === undefined) continue
      if (value === presetOf(schema)) continue
      throw new UsageError(`The input ${name} does nothing for the command ${command}.`, {
        next: `It is for ${COMMAND_NAMES.filter((one) => Object.hasOwn(COMMANDS[one].shape, name)).join(', ')}. Leave it out.`,
      })
    }
  }
}

function refuseContradictions(settings: Readonly<Record<string, unknown>>): void {
  for (const [name, needed] of Object.entries(NEEDS)) {
    if (!settings[name] || settings[needed]) continue
    throw new UsageError(`The input ${name} says nothing without ${needed}.`, {
      next: `Set "${needed}: true", or leave it out.`,
    })
  }
  if (settings['run'] !== undefined && settings['all'] === true) {
    throw new UsageError('The inputs run and all exclude each other.', {next: 'Give one of them.'})
  }
}

function toTask(command: Task['command'], settings: object, given: ReadonlyMap<string, string>): Task {
  if (command !== 'generate') return {command, settings} as Task
  const all = settings as Server &
    RunSettings &
    GenerateSettings &
    Omit<ImageSettings, 'prompt'> & {prompt: string | undefined}
  const {prompt} = all
  if (prompt === undefined) {
    // What the environment says for pictures from prompts does not matter for a manifest.
    const stray = Object.keys(imageInputs).find((name) => given.has(name))
    if (stray === undefined) return {command, settings: all}
    throw new UsageError(`The input ${stray} is for a picture from a prompt, and there is none.`, {
      next: 'Give the input prompt, or set it in the manifest.',
    })
  }
  const stray = ['manifest', 'run', 'force'].find((name) => given.has(name))
  if (stray === undefined) return {command, settings: all, image: {...all, prompt}}
  throw new UsageError(`The input ${stray} is for a manifest, and there is a prompt.`, {next: 'Leave one of them out.'})
}

function parse<Schema extends z.ZodMiniObject>(
  schema: Schema,
  read: (name: string) => string | undefined,
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
