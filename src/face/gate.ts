import {UsageError} from '../errors.ts'
import type {Scope} from '../idleness/find.ts'
import {DISTINCT_LOOKS, DISTINCT_MS} from '../idleness/window.ts'
import type {WaitOptions} from '../wait-idle.ts'
import {parseDuration} from './duration.ts'

/** What a wait is when nothing is set. */
export const GATE_DEFAULTS = {
  timeout: '30m',
  stableFor: '10s',
  scope: 'auto',
  maxQueue: 0,
  requireBackends: 1,
  require: 'all',
  onTimeout: 'fail',
} as const

export const SCOPES = ['server', 'own', 'auto'] as const satisfies readonly Scope[]
export const ON_TIMEOUT = ['fail', 'continue'] as const

/** When a server counts as idle, and how long to wait for that. */
export interface GateSettings {
  readonly timeout: string
  readonly 'stable-for': string | undefined
  readonly interval: string | undefined
  readonly scope: Scope
  readonly 'max-queue': number
  readonly 'require-backends': number
  readonly require: string
  readonly 'on-timeout': (typeof ON_TIMEOUT)[number]
  readonly reverse: boolean
}

/** The options that settings name. Throws `UsageError` for a duration or a number that is none. */
export function waitOptions(settings: GateSettings, servers: number): WaitOptions {
  return {
    ...parseWindow(
      settings.timeout,
      settings['stable-for'] ?? (settings.reverse ? '0' : GATE_DEFAULTS.stableFor),
      settings.interval,
    ),
    scope: settings.scope,
    maxQueue: settings['max-queue'],
    requireBackends: settings['require-backends'],
    required: parseRequired(settings.require, servers),
    onTimeout: settings['on-timeout'],
    reverse: settings.reverse,
    advice: {
      late: 'Raise --timeout, lower --stable-for, or see who uses the server: ag status.',
      denied: 'Or pass --scope own to look at this workspace alone.',
    },
  }
}

/** Whether, and how, a run waits before its first request. */
export interface RunGateSettings {
  readonly 'wait-idle': boolean
  readonly 'wait-timeout': string | undefined
  readonly 'wait-stable-for': string | undefined
}

/** The gate that a run's settings ask for, if they do. Throws `UsageError` for a duration that is none. */
export function runGate(settings: RunGateSettings): WaitOptions | undefined {
  if (!settings['wait-idle']) return undefined
  const {stableFor, maxQueue, requireBackends, onTimeout, ...preset} = GATE_DEFAULTS
  const gate: GateSettings = {
    ...preset,
    'max-queue': maxQueue,
    'require-backends': requireBackends,
    'on-timeout': onTimeout,
    timeout: settings['wait-timeout'] ?? preset.timeout,
    'stable-for': settings['wait-stable-for'] ?? stableFor,
    interval: undefined,
    reverse: false,
  }
  const advice = {
    late: 'Raise --wait-timeout, lower --wait-stable-for, or see who uses the server: ag status.',
    denied: 'Or leave out --wait-idle; ag wait-idle --scope own waits for this workspace alone.',
  }
  return {...waitOptions(gate, 1), advice}
}

interface Window {
  readonly timeoutMs: number
  readonly stableForMs: number
  readonly intervalMs?: number
}

/** A window that the deadline leaves no room for could never open the gate. */
function parseWindow(timeout: string, stableFor: string, interval?: string): Window {
  const timeoutMs = parseDuration(timeout)
  const stableForMs = parseDuration(stableFor)
  const window = {timeoutMs, stableForMs, ...(interval === undefined ? {} : {intervalMs: parseInterval(interval)})}
  const apartMs = Math.max(window.intervalMs ?? 0, DISTINCT_MS)
  const looksMs = stableForMs > 0 ? (DISTINCT_LOOKS - 1) * apartMs : 0
  if (timeoutMs > Math.max(stableForMs, looksMs)) return window
  if (timeoutMs > stableForMs) {
    throw new UsageError(`In ${timeout} there are no ${DISTINCT_LOOKS} looks that are ${apartMs / 1000} s apart.`, {
      next: 'Raise the timeout, or ask for one look (--stable-for 0, --wait-stable-for 0).',
    })
  }
  throw new UsageError(`In ${timeout} nothing can be seen to be idle for ${stableFor}.`, {
    next: 'Raise the timeout, or look for less long (--stable-for, --wait-stable-for).',
  })
}

/** Milliseconds between two looks. Throws `UsageError` for none. */
export function parseInterval(text: string): number {
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
