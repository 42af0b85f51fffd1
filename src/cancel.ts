import {type Selection, selectTargets, type Target} from './cancel-targets.ts'
import {CancelWork, credentialsOf} from './cancel-work.ts'
import type {Context} from './context.ts'
import {type Deadline, startDeadline} from './deadline.ts'
import {ExitCode} from './errors.ts'
import {isSettled} from './session/history-line.ts'
import type {SessionState} from './session/session.ts'
import type {Credential, OwnedSession} from './store/session-store.ts'
import {foreignLine} from './text.ts'

export interface CancelOptions extends Selection {
  /** Milliseconds to wait for the server to stop. */
  readonly timeoutMs: number
}

/** What became of one session that was to be cancelled. */
export interface CancelOutcome {
  readonly session: string
  readonly asset: string
  readonly run: string
  /** How it ended, or why it did not: still `running`, out of this machine's reach, or on another server (`elsewhere`). */
  readonly outcome: SessionState | 'running' | 'out_of_reach' | 'elsewhere'
  readonly message: string
}

/** What became of a run that was to be cancelled while it waited for its turn: at its gate, or for another process. */
export interface RunOutcome {
  readonly run: string
  readonly outcome: 'cancelled' | 'running'
  readonly message: string
}

/** What a cancel came to; also what `--json` prints. */
export interface CancelResult {
  readonly schemaVersion: 1
  readonly server: string
  /** The user whose work on the server was stopped, with `--user`. */
  readonly user?: string
  readonly sessions: readonly CancelOutcome[]
  /** Runs that had no session. */
  readonly runs: readonly RunOutcome[]
  /** The exit code this result stands for. */
  readonly exit_code: ExitCode
  readonly error?: {readonly message: string; readonly next?: string}
}

const LOOK_AGAIN_MS = 150
const ANSWER_WITHIN_MS = 10_000
/** What has not stopped by then is worth a word why (recording 33: a backend that finishes what it has begun). */
const SLOW_MS = 2500

/**
 * Stops work on the server and settles its sessions as cancelled: the processes that make them are asked to stop, exactly
 * the SwarmUI sessions recorded for them are interrupted, and it is confirmed that the server's counters fell, which they
 * do late. Sessions of dead processes are settled here. What was already finished stays finished.
 *
 * Throws `UsageError` when the options name nothing that could be cancelled.
 */
export async function cancel(context: Context, options: CancelOptions): Promise<CancelResult> {
  const {server, clock} = context
  const {settled, targets} = await selectTargets(context, options)
  using deadline = startDeadline(clock, options.timeoutMs, context.signal)
  const user = options.user ? await stopUser(context, deadline) : undefined
  // All come to their end before one's failure is thrown: none goes on in the background.
  const ends = await Promise.allSettled(targets.map((target) => stop(context, target, deadline)))
  context.signal.throwIfAborted()
  const outcomes = ends.map((end) => {
    if (end.status === 'rejected') throw end.reason
    return end.value
  })
  const already = settled.map((session) => describe(session, `was already ${session.state}`))
  const sessions = [...already, ...outcomes.flatMap((one) => one.sessions)]
  const runs = outcomes.flatMap(({run}) => run ?? [])
  const [unfinished, exitCode] = firstUnfinished([...sessions, ...runs])
  return {
    schemaVersion: 1,
    server: server.address,
    ...(user === undefined ? {} : {user}),
    sessions,
    runs,
    exit_code: exitCode,
    ...(unfinished ? {error: {message: outcomeLine(unfinished), ...nextStep(unfinished)}} : {}),
  }
}

/** What became of a session or a run, in a sentence. */
export function outcomeLine(outcome: CancelOutcome | RunOutcome): string {
  return `${'session' in outcome ? outcome.session : `The run ${outcome.run}`} ${outcome.message}.`
}

/** Outcomes that are no end, the one that weighs most first. */
const UNFINISHED: readonly (readonly [CancelOutcome['outcome'], ExitCode])[] = [
  ['running', ExitCode.deadline],
  ['out_of_reach', ExitCode.denied],
  ['elsewhere', ExitCode.usage],
]

function firstUnfinished<Outcome extends CancelOutcome | RunOutcome>(
  outcomes: readonly Outcome[],
): readonly [Outcome | undefined, ExitCode] {
  for (const [word, exitCode] of UNFINISHED) {
    const found = outcomes.find(({outcome}) => outcome === word)
    if (found) return [found, exitCode]
  }
  return [undefined, ExitCode.done]
}

function nextStep({outcome}: CancelOutcome | RunOutcome): {next?: string} {
  if (outcome === 'out_of_reach')
    return {next: 'Cancel it on the machine that made it, or stop all of your user: ag cancel --user.'}
  if (outcome === 'running') return {next: 'Wait for it (ag wait-idle), or cancel again.'}
  return {}
}

/** Stops everything of our user, and waits until the server says that nothing of it is left, where it tells us. */
async function stopUser({server, clock, report}: Context, {signal}: Deadline): Promise<string> {
  const user = foreignLine(await server.userId(signal), 60)
  const message = `Stopping everything of the user "${user}" on ${server.address}, from whatever tab, script or machine. On a server without accounts that is everybody.`
  report({event: 'notice', message})
  await server.interruptUser(signal)
  for (;;) {
    const {activity, activityUnknown, busyUsers} = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS})
    if (activity?.waitingGens === 0) return user
    if (!busyUsers) {
      const why = activityUnknown?.message ?? 'the server does not tell whose work it does'
      report({event: 'notice', message: `Whether all of it has stopped is not known: ${why}.`})
      return user
    }
    if (!busyUsers.some((busy) => busy.user === user)) return user
    await clock.sleep(LOOK_AGAIN_MS, signal)
  }
}

interface Stopped {
  readonly sessions: readonly CancelOutcome[]
  /** Where the run had no session. */
  readonly run?: RunOutcome
}

async function stop(context: Context, target: Target, deadline: Deadline): Promise<Stopped> {
  const {server, sessions} = context
  const {credentials, run} = target
  const away = target.sessions.flatMap((session) => sentElsewhere(session, credentials, server) ?? [])
  const here = target.sessions.filter(({id}) => !away.some(({session}) => session === id))
  const reachable = here.filter((session) => !isBeyondReach(session, credentials))
  const beyond = here.filter((session) => !reachable.includes(session))
  // Who is at another server is not asked to stop here.
  const wholeRun = target.wholeRun && away.length === 0
  const live = wholeRun && target.live
  if (wholeRun && (live || reachable.length > 0)) await sessions.runs.requestCancel(run)
  for (const {id} of wholeRun ? [] : reachable) await sessions.runs.requestCancel(run, id)
  const reach = {...target, wholeRun, live, sessions: reachable}
  const outcomes = await settleAll(context, reach, target.sessions, deadline)
  const all = [...outcomes, ...beyond.map(describeBeyondReach), ...away]
  const stillLive = (await sessions.runs.live()).has(run)
  if (live && all.length === 0) return {sessions: [], run: describeRun(run, stillLive)}
  // A live process clears up after itself, once it has seen the request.
  const left = (await sessions.list({active: true})).some((session) => session.run === run)
  const perhapsLive = stillLive || reachable.some(({ownerStanding}) => ownerStanding === 'unknown')
  if (!left && !perhapsLive && away.length === 0) await sessions.runs.forgetAll(run)
  return {sessions: all}
}

/**
 * Interrupts a run's work until its sessions are settled, by their process or, where that is gone, by us. Again and again: the
 * credential appears only with the first request. `known` are all of its sessions; what is not among them was begun since.
 */
async function settleAll(
  context: Context,
  target: Target,
  known: readonly OwnedSession[],
  deadline: Deadline,
): Promise<CancelOutcome[]> {
  const {run, wholeRun, live} = target
  const targets = [...target.sessions]
  const {clock, report} = context
  const settled = new Map<string, CancelOutcome>()
  const started = clock.monotonic()
  const work = new CancelWork(context, run)
  let warned = false
  let stopped = targets.length === 0 && !live
  try {
    while (!stopped) {
      await work.stop(targets, deadline.signal)
      if (wholeRun) targets.push(...(await begunSince(context, run, [...known, ...targets])))
      for (const one of targets.filter(({id}) => !settled.has(id))) {
        const now = await settleIfGone(context, one.id, work.left([one]))
        if (now && isSettled(now)) settled.set(one.id, describe(now, ENDINGS[now.state] ?? `had ${now.state} before`))
      }
      // The others of a run, of which only some were cancelled, go on under the same credential.
      stopped = settled.size === targets.length && !(wholeRun && work.left(targets) > 0)
      // Until its processes have gone they may begin another.
      if (stopped && live) stopped = !(await context.sessions.runs.live()).has(run)
      if (stopped) break
      if (!warned && clock.monotonic() - started > SLOW_MS) {
        warned = true
        report({event: 'notice', message: `The run ${run} ${await whyItGoesOn(context, deadline.signal)}`})
      }
      await clock.sleep(LOOK_AGAIN_MS, deadline.signal)
    }
  } catch (error) {
    if (!deadline.passed()) throw error
  }
  return targets.map((one) => {
    const ended = settled.get(one.id)
    const onlyHere = wholeRun && !stopped && ended?.outcome === 'cancelled'
    return ended && !onlyHere
      ? ended
      : describe(one, 'is still running: the server has not stopped it in time', 'running')
  })
}

/** Sessions that a run began after it was asked to stop, or while it was. */
async function begunSince({sessions}: Context, run: string, known: readonly OwnedSession[]): Promise<OwnedSession[]> {
  const active = await sessions.list({active: true})
  return active.filter((session) => session.run === run && !known.some(({id}) => id === session.id))
}

const ENDINGS: Readonly<Partial<Record<SessionState, string>>> = {
  cancelled: 'is cancelled',
  completed: 'was finished before it could be stopped',
}

/** The session as it is now; settled by us if its process is gone and the server has stopped. */
async function settleIfGone({sessions}: Context, id: string, work: number): Promise<OwnedSession | undefined> {
  const session = await sessions.get(id)
  if (!session || isSettled(session) || session.ownerStanding !== 'dead' || work > 0) return session
  const writer = await sessions.claim(id)
  const error = 'Cancelled by `ag cancel`.'
  await writer?.append({event: 'cancelled', state: 'cancelled', message: error, result: {error, reason: 'cancelled'}})
  return sessions.get(id)
}

async function whyItGoesOn({server}: Context, signal: AbortSignal): Promise<string> {
  const {backends} = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS, own: true, thorough: true})
  return backends?.some(({status, interruptible}) => status === 'running' && !interruptible)
    ? 'goes on: a backend of this server cannot be interrupted; it finishes the picture it has begun, which is kept.'
    : 'has not stopped yet: a backend stops between two steps.'
}

/** Of a session that was sent to another server: where to cancel it. */
function sentElsewhere(
  session: OwnedSession,
  credentials: ReadonlyMap<string, Credential>,
  {address}: Context['server'],
): CancelOutcome | undefined {
  const own = credentialsOf(session, credentials)
  const [first] = own
  if (!first || own.some(({server}) => server === address)) return undefined
  const message = `runs on ${first.server}: ag cancel --run ${session.run} --server ${first.server}`
  return describe(session, message, 'elsewhere')
}

/** Without the credential nobody can stop what the server was asked to make; and another machine's process may be alive. */
function isBeyondReach(session: OwnedSession, credentials: ReadonlyMap<string, Credential>): boolean {
  const {ownerStanding, submission} = session
  const canStop = submission === undefined || credentialsOf(session, credentials).length > 0
  return ownerStanding === 'foreign' || (ownerStanding === 'dead' && !canStop)
}

function describeBeyondReach(session: OwnedSession): CancelOutcome {
  const message =
    session.ownerStanding === 'foreign'
      ? 'was made on another machine, which alone can stop it'
      : 'was left by a process that died before it noted how to stop it'
  return describe(session, message, 'out_of_reach')
}

function describeRun(run: string, live: boolean): RunOutcome {
  return live
    ? {run, outcome: 'running', message: 'has not ended in time'}
    : {run, outcome: 'cancelled', message: 'is cancelled; it had not begun a picture'}
}

function describe(
  {id, asset, run, state}: OwnedSession,
  message: string,
  outcome: CancelOutcome['outcome'] = state,
): CancelOutcome {
  return {session: id, asset: foreignLine(asset, 100), run, outcome, message}
}
