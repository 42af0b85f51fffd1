import * as z from 'zod/mini'
import {CANCEL_DEFAULTS} from '../face/cancel-settings.ts'
import {parseAge} from '../face/duration.ts'
import {GATE_DEFAULTS, ON_TIMEOUT, SCOPES} from '../face/gate.ts'
import {RECOVER_DEFAULTS} from '../face/recover-settings.ts'
import {RUN_DEFAULTS, TRANSPORTS} from '../face/run-settings.ts'
import {DEFAULT_SERVER} from '../face/settings.ts'

/** Inputs are texts; one that is empty was not given. The names are those of the command line's flags. An error says what is expected. */
const text = z.optional(z.string())
const lines = z.optional(z.pipe(z.string(), z.transform(linesOf)))
const bool = z.stringbool({
  truthy: ['true', 'yes', 'y', 'on', '1'],
  falsy: ['false', 'no', 'n', 'off', '0'],
  error: 'true or false',
})
const yesNo = z._default(bool, false)

/** A list as an input has it: a line each. */
export function linesOf(value: string): string[] {
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

/** Checked here, so that what is wrong is told by the name of its input. */
const duration = z.string().check(z.refine(isDuration, {error: 'a duration, such as 45s, 30m or 2h'}))

function isDuration(value: string): boolean {
  try {
    parseAge(value)
    return true
  } catch {
    return false
  }
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
  'wait-timeout': z.optional(duration),
  'wait-stable-for': z.optional(duration),
  concurrency: z._default(whole(1, 64), RUN_DEFAULTS.concurrency),
  'fail-fast': yesNo,
  retries: z._default(whole(0, 20), RUN_DEFAULTS.retries),
  timeout: z.optional(duration),
  transport: z._default(oneOf(TRANSPORTS), RUN_DEFAULTS.transport),
  overwrite: yesNo,
  'allow-fuzzy-model': yesNo,
}

export const imageInputs = {
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
    timeout: z._default(duration, GATE_DEFAULTS.timeout),
    'stable-for': z.optional(duration),
    interval: z.optional(duration),
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
    timeout: z._default(duration, RECOVER_DEFAULTS.timeout),
    resubmit: yesNo,
    session: lines,
    since: z.optional(duration),
    'give-up-after': z._default(duration, RECOVER_DEFAULTS.giveUpAfter),
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
    timeout: z._default(duration, CANCEL_DEFAULTS.timeout),
  }),
  doctor: z.object({...serverInputs, ...stateInputs}),
} as const

/** What only the action has: what survives the job, and what is shown of it. */
export const keepSchema = z.object({
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

/** The names of all inputs, for the test that compares them with action.yml and the flags. */
export const INPUT_NAMES: ReadonlySet<string> = new Set([
  'command',
  ...Object.values(COMMANDS).flatMap((schema) => Object.keys(schema.shape)),
  ...Object.keys(keepSchema.shape),
])

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

/** What an input is when it is not given, as action.yml would write it. */
export function presetOf(schema: z.core.$ZodType): string | undefined {
  const {defaultValue} = schema._zod.def as {readonly defaultValue?: unknown}
  return defaultValue === undefined ? undefined : String(defaultValue)
}
