import {Flags} from '@oclif/core'
import {UsageError} from '../errors.ts'
import type {Scope} from '../idleness/find.ts'
import type {GateOptions} from '../idleness/server-watch.ts'
import type {WaitOptions} from '../wait-idle.ts'
import {parseDuration} from './duration.ts'

const TIMEOUT = '30m'
const STABLE_FOR = '10s'

/** When a server counts as idle, and how long to wait for that. */
export const gateFlags = {
  timeout: Flags.string({
    default: TIMEOUT,
    helpValue: 'DURATION',
    description: 'Give up after this long, e.g. 45s, 30m, 2h; a bare number counts seconds.',
    helpGroup: 'GATE',
  }),
  'stable-for': Flags.string({
    helpValue: 'DURATION',
    description: `For how long every look must find it idle; 0 takes one look. Default: ${STABLE_FOR}, with --reverse 0.`,
    helpGroup: 'GATE',
  }),
  interval: Flags.string({
    helpValue: 'DURATION',
    description: 'Time between looks. Default: 1.1s, slower while it stays busy.',
    helpGroup: 'GATE',
  }),
  scope: Flags.option({
    options: ['server', 'own', 'auto'] as const,
    default: 'auto' as const,
    description:
      'Whose work counts: all of the server (exit 4 where this user may not see it; auto then shows what it could see), or only what this workspace has it do.',
    helpGroup: 'GATE',
  })(),
  'max-queue': Flags.integer({
    default: 0,
    min: 0,
    helpValue: 'N',
    description: 'Open with up to N pictures waiting or running.',
    helpGroup: 'GATE',
  }),
  'require-backends': Flags.integer({
    default: 1,
    min: 1,
    helpValue: 'N',
    description: 'How many backends of a server must be up.',
    helpGroup: 'GATE',
  }),
  require: Flags.string({
    default: 'all',
    helpValue: 'all|any|N',
    description: 'With several servers: how many must be idle at once.',
    helpGroup: 'GATE',
  }),
  'on-timeout': Flags.option({
    options: ['fail', 'continue'] as const,
    default: 'fail' as const,
    description: 'continue: go on (exit 0, run COMMAND) when it is merely still busy at the deadline.',
    helpGroup: 'GATE',
  })(),
  reverse: Flags.boolean({description: 'Wait until it is busy instead.', helpGroup: 'GATE'}),
} as const

export interface GateFlags {
  readonly timeout: string
  readonly 'stable-for': string | undefined
  readonly interval: string | undefined
  readonly scope: Scope
  readonly 'max-queue': number
  readonly 'require-backends': number
  readonly require: string
  readonly 'on-timeout': 'fail' | 'continue'
  readonly reverse: boolean
}

/** The options that flags name. Throws `UsageError` for a duration or a number that is none. */
export function waitOptions(flags: GateFlags, servers: number): WaitOptions {
  return {
    ...parseWindow(flags.timeout, flags['stable-for'] ?? (flags.reverse ? '0' : STABLE_FOR)),
    ...(flags.interval === undefined ? {} : {intervalMs: parseInterval(flags.interval)}),
    scope: flags.scope,
    maxQueue: flags['max-queue'],
    requireBackends: flags['require-backends'],
    required: parseRequired(flags.require, servers),
    onTimeout: flags['on-timeout'],
    reverse: flags.reverse,
  }
}

/** The gate before a run's first request. */
export const runGateFlags = {
  'wait-idle': Flags.boolean({
    env: 'AG_WAIT_IDLE',
    description: 'Wait until the server is idle before the first picture, as `ag wait-idle` does.',
    helpGroup: 'RUN',
  }),
  'wait-timeout': Flags.string({
    dependsOn: ['wait-idle'],
    helpValue: 'DURATION',
    description: `Give up waiting after this long. Default: ${TIMEOUT}.`,
    helpGroup: 'RUN',
  }),
  'wait-stable-for': Flags.string({
    dependsOn: ['wait-idle'],
    helpValue: 'DURATION',
    description: `For how long it must be idle. Default: ${STABLE_FOR}.`,
    helpGroup: 'RUN',
  }),
} as const

export interface RunGateFlags {
  readonly 'wait-idle': boolean
  readonly 'wait-timeout': string | undefined
  readonly 'wait-stable-for': string | undefined
}

/** The gate that a run's flags ask for, if they do. Throws `UsageError` for a duration that is none. */
export function runGate(flags: RunGateFlags): WaitOptions | undefined {
  if (!flags['wait-idle']) return undefined
  const gate: GateOptions & {timeoutMs: number} = {
    scope: 'auto',
    ...parseWindow(flags['wait-timeout'] ?? TIMEOUT, flags['wait-stable-for'] ?? STABLE_FOR),
    maxQueue: 0,
    requireBackends: 1,
    reverse: false,
  }
  return {...gate, required: 1, onTimeout: 'fail'}
}

/** A window that the deadline leaves no room for could never open the gate. */
function parseWindow(timeout: string, stableFor: string): {timeoutMs: number; stableForMs: number} {
  const timeoutMs = parseDuration(timeout)
  const stableForMs = parseDuration(stableFor)
  if (timeoutMs > stableForMs) return {timeoutMs, stableForMs}
  throw new UsageError(`In ${timeout} nothing can be seen to be idle for ${stableFor}.`, {
    next: 'Raise the timeout, or look for less long (--stable-for, --wait-stable-for).',
  })
}

function parseInterval(text: string): number {
  const ms = parseDuration(text)
  if (ms >= 1) return ms
  throw new UsageError(`--interval ${text} would ask the server without a pause.`, {next: 'Give at least 1ms.'})
}

function parseRequired(text: string, servers: number): number {
  if (text === 'all') return servers
  if (text === 'any') return 1
  const required = Number(text)
  if (Number.isInteger(required) && required >= 1 && required <= servers) return required
  throw new UsageError(`--require ${text} cannot be met by ${servers} server${servers === 1 ? '' : 's'}.`, {
    next: `Give all, any, or a number from 1 to ${servers}.`,
  })
}
