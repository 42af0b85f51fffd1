import type {Context} from './context.ts'
import {startDeadline} from './deadline.ts'
import {ExitCode} from './errors.ts'
import type {Scope, ServerState} from './idleness/find.ts'
import {News} from './idleness/news.ts'
import {type GateOptions, ServerWatch} from './idleness/server-watch.ts'
import type {Evidence, Idleness} from './idleness/verdict.ts'
import {Wake} from './idleness/wake.ts'
import type {ImageServer} from './server/image-server.ts'

/** What a wait is given: as other operations, but for the servers, of which there may be several. */
export interface WaitContext extends Omit<Context, 'server'> {
  readonly servers: readonly ImageServer[]
}

export interface WaitOptions extends GateOptions {
  readonly timeoutMs: number
  /** How many of the servers must be idle at once. */
  readonly required: number
  /** `continue`: a server that is still busy at the deadline is no failure. */
  readonly onTimeout: 'fail' | 'continue'
  readonly advice: WaitAdvice
}

/** What to say to whoever waited in vain, in the words of what they gave. */
export interface WaitAdvice {
  /** The time was not enough. */
  readonly late: string
  /** What others do there is not told to this identity. */
  readonly denied: string
}

/** What a wait found of one server. */
export interface ServerVerdict {
  readonly server: string
  readonly address?: string
  readonly state: ServerState
  readonly verdict: Idleness
  readonly reason: string
  readonly next?: string
  /** For how long it had been so without a break. */
  readonly quiet_seconds: number
  readonly looks: number
  /** How often it was started anew during the wait: what was queued then is lost, not done. */
  readonly restarts: number
  readonly evidence: readonly Evidence[]
}

/** What a wait came to; also what `--json` prints. */
export interface WaitResult {
  readonly schemaVersion: 1
  /** Whether what was waited for was seen for the whole window, on as many servers as required. */
  readonly open: boolean
  readonly verdict: Idleness
  readonly scope: Scope
  readonly required: number
  readonly waited_seconds: number
  readonly servers: readonly ServerVerdict[]
  /** The exit code this result stands for. */
  readonly exit_code: ExitCode
  readonly error?: {readonly message: string; readonly next?: string}
}

/**
 * Waits until enough servers are idle: every look of the whole window found nothing waiting, running or loading, and the
 * server able to make a picture. Ends early where waiting cannot help: a permission is missing, a quiet server has no
 * backend. Throws only for signals; everything else is a result with its exit code.
 */
export async function waitIdle(context: WaitContext, options: WaitOptions): Promise<WaitResult> {
  const {clock, report, sessions} = context
  const started = clock.monotonic()
  using deadline = startDeadline(clock, options.timeoutMs, context.signal)
  const ended = new AbortController()
  const signal = AbortSignal.any([deadline.signal, ended.signal])
  const watches = context.servers.map((server) => new ServerWatch(server, context, options))
  const wakes = new Map(watches.map((one) => [one, new Wake(clock)]))
  const stopWatching = sessions.watch(() => {
    for (const wake of wakes.values()) wake.now()
  })
  report({
    event: 'wait.started',
    servers: watches.map(({server}) => server.address),
    scope: options.scope,
    required: options.required,
    timeout_seconds: options.timeoutMs / 1000,
    stable_for_seconds: options.stableForMs / 1000,
  })
  let conclusion: ExitCode | undefined
  const watch = async (one: ServerWatch): Promise<void> => {
    const news = new News(one, context)
    while (!signal.aborted) {
      await one.look(signal)
      if (deadline.passed()) return
      news.tell()
      conclusion ??= conclude(watches, options)
      if (conclusion !== undefined) return ended.abort()
      await wakes.get(one)?.sleep(one.nextDelay(), signal)
    }
  }
  const watchUntilEnded = async (one: ServerWatch): Promise<void> => {
    try {
      await watch(one)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  try {
    await Promise.all(watches.map(watchUntilEnded))
  } finally {
    ended.abort()
    stopWatching()
  }
  context.signal.throwIfAborted()
  const waited_seconds = seconds(clock.monotonic() - started)
  const result = summarise(watches, options, conclusion, waited_seconds)
  report({event: 'wait.finished', open: result.open, verdict: result.verdict, waited_seconds})
  return result
}

/** What the looks so far come to: an exit code, or nothing yet. */
function conclude(watches: readonly ServerWatch[], {required}: WaitOptions): ExitCode | undefined {
  if (watches.filter(({open}) => open).length >= required) return ExitCode.done
  const hopeless = watches.filter((watch) => watch.hopeless)
  if (watches.length - hopeless.length >= required) return undefined
  return exitCodeOf(hopeless)
}

/** What the looks came to when the time was up. */
function concludeAtDeadline(watches: readonly ServerWatch[], {required, onTimeout}: WaitOptions): ExitCode {
  const known = watches.filter(({found}) => found.state === 'busy' || found.state === 'idle')
  if (known.length < required) return exitCodeOf(watches.filter((watch) => !known.includes(watch)))
  return onTimeout === 'continue' ? ExitCode.done : ExitCode.deadline
}

function exitCodeOf(watches: readonly ServerWatch[]): ExitCode {
  const states = new Set(watches.map(({found}) => found.state))
  if (states.has('denied')) return ExitCode.denied
  return states.has('unreachable') || states.has('unknown') ? ExitCode.unreachable : ExitCode.noBackend
}

function summarise(
  watches: readonly ServerWatch[],
  options: WaitOptions,
  conclusion: ExitCode | undefined,
  waited_seconds: number,
): WaitResult {
  const exit_code = conclusion ?? concludeAtDeadline(watches, options)
  const servers = watches.map(toVerdict)
  const blocking = servers.filter(({state}) => state !== (options.reverse ? 'busy' : 'idle'))
  const open = conclusion === ExitCode.done
  return {
    schemaVersion: 1,
    open,
    verdict: overall(servers, open, options.reverse),
    scope: options.scope,
    required: options.required,
    waited_seconds,
    servers,
    exit_code,
    ...(open ? {} : {error: describe(blocking, options, conclusion)}),
  }
}

function overall(servers: readonly ServerVerdict[], open: boolean, reverse: boolean): Idleness {
  if (open) return reverse ? 'busy' : 'idle'
  if (servers.some(({verdict}) => verdict === 'unknown')) return 'unknown'
  return servers.every(({state}) => state === 'unusable') ? 'idle' : 'busy'
}

function describe(
  blocking: readonly ServerVerdict[],
  options: WaitOptions,
  conclusion: ExitCode | undefined,
): NonNullable<WaitResult['error']> {
  const wanted = options.reverse ? 'busy' : 'idle'
  const reasons = blocking.map(({server, reason}) => `${server}: ${reason.replace(/\.$/, '')}.`)
  const window = options.stableForMs > 0 ? ` for ${options.stableForMs / 1000} s on end` : ''
  const late = `Not ${wanted}${window} within ${options.timeoutMs / 1000} s.`
  const tooShort = `What was ${wanted} in the end had not been so for long enough.`
  const message = [...(conclusion === undefined ? [late] : []), ...(reasons.length > 0 ? reasons : [tooShort])].join(
    ' ',
  )
  const next = nextStep(blocking, options, conclusion)
  return {message, ...(next ? {next} : {})}
}

function nextStep(
  blocking: readonly ServerVerdict[],
  {advice, scope}: WaitOptions,
  conclusion: ExitCode | undefined,
): string | undefined {
  const told = blocking.find((verdict) => verdict.next)
  if (told) return told.state === 'denied' && scope !== 'own' ? `${told.next} ${advice.denied}` : told.next
  if (conclusion === ExitCode.noBackend) return "See the server's Backends tab."
  return conclusion === undefined || conclusion === ExitCode.deadline ? advice.late : undefined
}

function toVerdict(watch: ServerWatch): ServerVerdict {
  const {state, idleness, reason, next, evidence} = watch.found
  const {address} = watch.server.contact()
  return {
    server: watch.server.address,
    ...(address ? {address} : {}),
    state,
    verdict: idleness,
    reason,
    ...(next ? {next} : {}),
    quiet_seconds: seconds(watch.quietMs),
    looks: watch.looks,
    restarts: watch.restarts,
    evidence,
  }
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000
}
