import * as z from 'zod/mini'
import {UsageError} from '../errors.ts'
import {CANCEL_DEFAULTS, type CancelSettings} from '../face/cancel-settings.ts'
import {GATE_DEFAULTS, ON_TIMEOUT, SCOPES} from '../face/gate.ts'
import type {ImageSettings} from '../face/image-settings.ts'
import {RECOVER_DEFAULTS, type RecoverSettings} from '../face/recover-settings.ts'
import {RUN_DEFAULTS, type RunSettings, TRANSPORTS} from '../face/run-settings.ts'
import type {WaitSettings} from '../face/run-wait.ts'
import {DEFAULT_SERVER, type ServerSettings, type StateSettings} from '../face/settings.ts'
import {foreignLine} from '../text.ts'

/** Inputs are texts; one that is empty was not given. The names are those of the command line's flags. An error says what is expected. */
const text = z.optional(z.string())
const lines = z.optional(z.pipe(z.string(), z.transform(linesOf)))
const bool = z.stringbool({truthy: ['true', 'yes', 'y', '1'], falsy: ['false', 'no', 'n', '0'], error: 'true or false'})
const yesNo = z._default(bool, false)

function linesOf(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}

function oneOf<const Words extends readonly string[]>(words: Words) {
  return z.enum(words, {error: `one of ${words.join(', ')}`})
}

function whole(min: number, max = Number.MAX_SAFE_INTEGER) {
  const error = `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`
  const inRange = (digits: string): boolean => /^\d+$/.test(digits) && Number(digits) >= min && Number(digits) <= max
  return z.pipe(z.string().check(z.refine(inRange, {error})), z.transform(Number))
}

const serverInputs = {
  server: z._default(z.string(), DEFAULT_SERVER),
  token: text,
  authorization: text,
  'user-id': text,
  header: text,
  'allow-insecure': yesNo,
}

const stateInputs = {'state-dir': text, 'state-file': text}

const runInputs = {
  'wait-idle': yesNo,
  'wait-timeout': text,
  'wait-stable-for': text,
  concurrency: z._default(whole(1, 64), RUN_DEFAULTS.concurrency),
  'fail-fast': yesNo,
  retries: z._default(whole(0, 20), RUN_DEFAULTS.retries),
  timeout: text,
  transport: z._default(oneOf(TRANSPORTS), RUN_DEFAULTS.transport),
  overwrite: yesNo,
  'allow-fuzzy-model': yesNo,
}

const imageInputs = {
  prompt: text,
  'negative-prompt': text,
  model: text,
  width: z.optional(whole(64, 16384)),
  height: z.optional(whole(64, 16384)),
  steps: z.optional(whole(0, 500)),
  seed: text,
  'cfg-scale': text,
  sampler: text,
  scheduler: text,
  lora: lines,
  count: z._default(whole(1, 10_000), 1),
  param: lines,
  'output-dir': text,
  name: text,
}

/** What the settings of each command are, from texts. */
export const COMMANDS = {
  generate: z.object({
    ...serverInputs,
    ...stateInputs,
    ...runInputs,
    ...imageInputs,
    manifest: text,
    force: yesNo,
    run: text,
  }),
  'wait-idle': z.object({
    ...serverInputs,
    ...stateInputs,
    timeout: z._default(z.string(), GATE_DEFAULTS.timeout),
    'stable-for': text,
    interval: text,
    scope: z._default(oneOf(SCOPES), GATE_DEFAULTS.scope),
    'max-queue': z._default(whole(0), GATE_DEFAULTS.maxQueue),
    'require-backends': z._default(whole(1), GATE_DEFAULTS.requireBackends),
    require: z._default(z.string(), GATE_DEFAULTS.require),
    'on-timeout': z._default(oneOf(ON_TIMEOUT), GATE_DEFAULTS.onTimeout),
    reverse: yesNo,
  }),
  status: z.object({...serverInputs, ...stateInputs}),
  recover: z.object({
    ...serverInputs,
    ...stateInputs,
    manifest: text,
    apply: yesNo,
    wait: yesNo,
    timeout: z._default(z.string(), RECOVER_DEFAULTS.timeout),
    resubmit: yesNo,
    session: lines,
    since: text,
    'give-up-after': z._default(z.string(), RECOVER_DEFAULTS.giveUpAfter),
    'output-dir': text,
    'complete-when': lines,
    force: yesNo,
    concurrency: z._default(whole(1, 64), RECOVER_DEFAULTS.concurrency),
  }),
  cancel: z.object({
    ...serverInputs,
    ...stateInputs,
    session: lines,
    run: text,
    all: yesNo,
    user: yesNo,
    timeout: z._default(z.string(), CANCEL_DEFAULTS.timeout),
  }),
  doctor: z.object({...serverInputs, ...stateInputs}),
} as const

/** What only the action has: what survives the job, and what is shown of it. */
const keepSchema = z.object({
  'state-name': z._default(z.string(), 'default'),
  cache: z._default(oneOf(['auto', 'read', 'write', 'off']), 'auto'),
  history: z._default(oneOf(['always', 'on-failure', 'never']), 'always'),
  'retention-days': z._default(whole(0, 400), 0),
  'redact-prompts': z._default(oneOf(['auto', 'true', 'false']), 'auto'),
  'upload-pictures': yesNo,
  summary: z._default(bool, true),
  'allow-untrusted': yesNo,
  '_job-index': z._default(z.string(), '0'),
})

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
  | {readonly command: 'status' | 'doctor'; readonly settings: Server}
  | {readonly command: 'recover'; readonly settings: Server & RecoverSettings & {readonly manifest: string | undefined}}
  | {readonly command: 'cancel'; readonly settings: CancelSettings & {readonly session: string[] | undefined}}

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

/** Environment variables that stand for inputs that were not given; the same as the command line's. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  server: 'AG_SERVER',
  token: 'AG_TOKEN',
  authorization: 'AG_AUTHORIZATION',
  'user-id': 'AG_USER_ID',
  header: 'AG_HEADER',
  'allow-insecure': 'AG_ALLOW_INSECURE',
  'state-dir': 'AG_STATE_DIR',
  'state-file': 'AG_STATE_FILE',
  concurrency: 'AG_CONCURRENCY',
  'wait-idle': 'AG_WAIT_IDLE',
  'give-up-after': 'AG_GIVE_UP_AFTER',
  model: 'AG_MODEL',
}

/** Inputs that say nothing without another one. */
export const NEEDS: Readonly<Record<string, string>> = {
  wait: 'apply',
  resubmit: 'apply',
  'wait-timeout': 'wait-idle',
  'wait-stable-for': 'wait-idle',
}

const COMMAND_NAMES = Object.keys(COMMANDS) as Task['command'][]

/** The names of all inputs, for the test that compares them with action.yml and the flags. */
export const INPUT_NAMES: ReadonlySet<string> = new Set([
  'command',
  ...Object.values(COMMANDS).flatMap((schema) => Object.keys(schema.shape)),
  ...Object.keys(keepSchema.shape),
])

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
  return {task: toTask(command, settings), keep, given}
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

/** What an input is when it is not given, as action.yml would write it. */
export function presetOf(schema: z.core.$ZodType): string | undefined {
  const {defaultValue} = schema._zod.def as {readonly defaultValue?: unknown}
  return defaultValue === undefined ? undefined : String(defaultValue)
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

function toTask(command: Task['command'], settings: object): Task {
  if (command !== 'generate') return {command, settings} as Task
  const all = settings as Server &
    RunSettings &
    GenerateSettings &
    Omit<ImageSettings, 'prompt'> & {prompt: string | undefined}
  const {prompt} = all
  if (prompt === undefined) {
    const alone = ['model', 'seed', 'lora', 'param', 'output-dir', 'name', 'width', 'height'] as const
    const stray = alone.find((name) => all[name] !== undefined && name !== 'model')
    if (stray) {
      throw new UsageError(`The input ${stray} is for a picture from a prompt, and there is none.`, {
        next: 'Give the input prompt, or set it in the manifest.',
      })
    }
    return {command, settings: all}
  }
  if (all.manifest !== undefined) {
    throw new UsageError('There is a manifest and a prompt.', {next: 'Give one of the two inputs.'})
  }
  return {command, settings: all, image: {...all, prompt}}
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
  throw new UsageError(told.join('\n'), {next: 'See the table of inputs in docs/action.md.'})
}
