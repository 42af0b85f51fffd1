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
  runElsewhere,
} from './cancellation/outcome.ts'
import {type Selection, selectTargets, type Target} from './cancellation/targets.ts'
import {CancelWork} from './cancellation/work.ts'
import type {Context} from './context.ts'
import {type Deadline, startDeadline} from './deadline.ts'
import type {ExitCode} from './errors.ts'
import {isSettled} from './session/history-line.ts'
import type {Attendant, OwnedSession} from './store/session-store.ts'
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
  /** Runs whose process was asked to stop, whether it had a session or not. */
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
  const runs = outcomes.flatMap((one) => one.runs)
  if (targets.length > 0) await context.sessions.upkeep.tidy()
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
  readonly runs: readonly RunOutcome[]
}

async function stop(context: Context, {run, ...target}: Target, deadline: Deadline): Promise<Stopped> {
  const {server, sessions} = context
  const beyond = target.sessions.flatMap(
    (session) => elsewhere(session, target.credentials, server) ?? outOfReach(session, target.credentials) ?? [],
  )
  const reachable = target.sessions.filter(({id}) => !beyond.some(({session}) => session === id))
  const here = target.processes.filter((process) => process.server === server.address)
  for (const {id} of here) await sessions.runs.requestCancel({attendant: id})
  for (const {id, owner} of reachable) await sessions.runs.requestCancel({session: id, owner})
  const known = target.sessions.map(({id}) => id)
  const {outcomes, ended} = await settleAll(context, {run, processes: here, sessions: reachable, known}, deadline)
  const all = [...outcomes, ...beyond]
  const away = target.processes.find((process) => process.server !== server.address)
  const isTold = all.some(({outcome}) => outcome === 'elsewhere')
  return {
    sessions: all,
    runs: [
      ...(here.length > 0 ? [ofRun(run, ended)] : []),
      ...(away && !isTold ? [runElsewhere(run, away.server)] : []),
    ],
  }
}

interface Reachable extends Pick<Target, 'run' | 'processes' | 'sessions'> {
  /** Ids of all that were there at first; what is not among them was begun since. */
  readonly known: readonly string[]
}

/**
 * Interrupts sessions until they are settled, by their process or, where that is gone, by us; and until the processes that were to
 * stop have left their run. Again and again: the credential appears only with the first request.
 */
async function settleAll(
  context: Context,
  {run, processes, sessions, known}: Reachable,
  deadline: Deadline,
): Promise<{readonly outcomes: CancelOutcome[]; readonly ended: boolean}> {
  const {clock, report} = context
  const targets = [...sessions]
  const settled = new Map<string, CancelOutcome>()
  const started = clock.monotonic()
  const work = new CancelWork(context)
  let warned = false
  let stopped = targets.length === 0
  let ended = processes.length === 0
  try {
    while (!(stopped && ended)) {
      await work.stop(targets, deadline.signal)
      targets.push(...(await begunSince(context, processes, [...known, ...targets.map(({id}) => id)])))
      for (const one of targets.filter(({id}) => !settled.has(id))) {
        const now = await settleIfGone(context, one.id, work.left([one]))
        if (now && isSettled(now)) settled.set(one.id, over(now))
      }
      // The others of a run, of which only some were cancelled, go on under the same credential.
      stopped = settled.size === targets.length && !(processes.length > 0 && work.left(targets) > 0)
      ended = await haveLeft(context, processes)
      if (stopped && ended) break
      if (!warned && clock.monotonic() - started > SLOW_MS) {
        warned = true
        report({event: 'notice', message: `The run ${run} ${await whyItGoesOn(context, deadline.signal)}`})
      }
      await clock.sleep(LOOK_AGAIN_MS, deadline.signal)
    }
  } catch (error) {
    if (!deadline.passed()) throw error
  }
  const outcomes = targets.map((one) => {
    const end = settled.get(one.id)
    const onlyHere = processes.length > 0 && !stopped && end?.outcome === 'cancelled'
    return end && !onlyHere ? end : goesOn(one)
  })
  return {outcomes, ended}
}

/** Sessions that processes began, or took over, after they were asked to stop, or while they were. */
async function begunSince(
  {sessions}: Context,
  processes: readonly Attendant[],
  known: readonly string[],
): Promise<readonly OwnedSession[]> {
  const tokens = new Set(processes.map(({token}) => token))
  const active = tokens.size > 0 ? await sessions.list({active: true}) : []
  return active.filter(({id, owner}) => tokens.has(owner) && !known.includes(id))
}

async function haveLeft({sessions}: Context, processes: readonly Attendant[]): Promise<boolean> {
  const ids = new Set(processes.map(({id}) => id))
  return ids.size === 0 || !(await sessions.runs.attendants()).some(({id}) => ids.has(id))
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
