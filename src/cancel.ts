import {
  type CancelOutcome,
  conclude,
  elsewhere,
  goesOn,
  ofRun,
  outOfReach,
  over,
  overBefore,
  type RunOutcome,
} from './cancellation/outcome.ts'
import {type Selection, selectTargets, type Target} from './cancellation/targets.ts'
import {CancelWork} from './cancellation/work.ts'
import type {Context} from './context.ts'
import {type Deadline, startDeadline} from './deadline.ts'
import type {ExitCode} from './errors.ts'
import {isSettled} from './session/history-line.ts'
import type {OwnedSession} from './store/session-store.ts'
import {foreignLine} from './text.ts'

export interface CancelOptions extends Selection {
  /** Milliseconds to wait for the server to stop. */
  readonly timeoutMs: number
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
  const sessions = [...settled.map(overBefore), ...outcomes.flatMap((one) => one.sessions)]
  const runs = outcomes.flatMap(({run}) => run ?? [])
  return {
    schemaVersion: 1,
    server: server.address,
    ...(user === undefined ? {} : {user}),
    sessions,
    runs,
    ...conclude([...sessions, ...runs]),
  }
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
  const beyond = target.sessions.flatMap(
    (session) => elsewhere(session, credentials, server) ?? outOfReach(session, credentials) ?? [],
  )
  const reachable = target.sessions.filter(({id}) => !beyond.some(({session}) => session === id))
  const away = beyond.some(({outcome}) => outcome === 'elsewhere')
  // Who is at another server is not asked to stop here.
  const wholeRun = target.wholeRun && !away
  const live = wholeRun && target.live
  if (wholeRun && (live || reachable.length > 0)) await sessions.runs.requestCancel(run)
  for (const {id} of wholeRun ? [] : reachable) await sessions.runs.requestCancel(run, id)
  const reach = {...target, wholeRun, live, sessions: reachable}
  const outcomes = await settleAll(context, reach, target.sessions, deadline)
  const all = [...outcomes, ...beyond]
  const stillLive = (await sessions.runs.live()).has(run)
  if (live && all.length === 0) return {sessions: [], run: ofRun(run, stillLive)}
  // A live process clears up after itself, once it has seen the request.
  const left = (await sessions.list({active: true})).some((session) => session.run === run)
  const perhapsLive = stillLive || reachable.some(({ownerStanding}) => ownerStanding === 'unknown')
  if (!left && !perhapsLive && !away) await sessions.runs.forgetAll(run)
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
        if (now && isSettled(now)) settled.set(one.id, over(now))
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
    return ended && !onlyHere ? ended : goesOn(one)
  })
}

/** Sessions that a run began after it was asked to stop, or while it was. */
async function begunSince({sessions}: Context, run: string, known: readonly OwnedSession[]): Promise<OwnedSession[]> {
  const active = await sessions.list({active: true})
  return active.filter((session) => session.run === run && !known.some(({id}) => id === session.id))
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
