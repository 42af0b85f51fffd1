import {
  type CancelOutcome,
  conclude,
  elsewhere,
  ofRun,
  outOfReach,
  overBefore,
  type RunOutcome,
  runElsewhere,
} from './cancellation/outcome.ts'
import {Stopping} from './cancellation/stopping.ts'
import {type Selection, selectTargets, type Target} from './cancellation/targets.ts'
import {stopUser} from './cancellation/user-work.ts'
import type {Context} from './context.ts'
import {startDeadline} from './deadline.ts'
import type {ExitCode} from './errors.ts'
import {tidyWorkspace} from './tidy-workspace.ts'

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
  const plans = targets.map((target) => planFor(context, target))
  // Before anything is interrupted: who does not know why would begin anew.
  const asked = await Promise.allSettled(plans.map(({stopping}) => stopping.ask()))
  if (!options.user) for (const end of asked) unwrap(end)
  // All come to their end before one's failure is thrown: none goes on in the background.
  const [userWork, ...stopped] = await Promise.allSettled([
    options.user ? stopUser(context, deadline) : undefined,
    ...plans.map(({stopping}, at) => asked[at]?.status === 'fulfilled' && stopping.untilAllHasStopped(deadline)),
  ])
  context.signal.throwIfAborted()
  const user = unwrap(userWork)
  for (const end of [...asked, ...stopped]) unwrap(end)
  if (plans.some(({asks}) => asks)) await tidyWorkspace(context)
  const sessions = [
    ...settled.map(overBefore),
    ...plans.flatMap(({stopping, beyond}) => [...stopping.outcomes, ...beyond]),
  ]
  const runs = plans.flatMap(runOutcomes)
  return {
    schemaVersion: 1,
    server: server.address,
    ...(user ? {user: user.user} : {}),
    sessions,
    runs,
    ...conclude([...sessions, ...runs, ...(user ? [user] : [])]),
  }
}

/** What of a target can be stopped here, and what becomes of the rest. */
interface Plan {
  readonly target: Target
  readonly stopping: Stopping
  /** Whether there is anybody to be asked. */
  readonly asks: boolean
  /** Processes at the run that work with this server. */
  readonly here: Target['processes']
  /** Sessions that are at another server, or out of reach. */
  readonly beyond: readonly CancelOutcome[]
}

function planFor(context: Context, target: Target): Plan {
  const {server} = context
  const beyond = target.sessions.flatMap(
    (session) => elsewhere(session, target, server) ?? outOfReach(session, target) ?? [],
  )
  const sessions = target.sessions.filter(({id}) => !beyond.some(({session}) => session === id))
  const here = target.processes.filter((process) => process.server === server.address)
  const known = target.sessions.map(({id}) => id)
  const stopping = new Stopping(context, {run: target.run, processes: here, sessions}, known)
  return {target, stopping, asks: here.length + sessions.length > 0, here, beyond}
}

function runOutcomes({target, stopping, here, beyond}: Plan): readonly RunOutcome[] {
  const away = target.processes.find((process) => !here.includes(process))
  const isTold = beyond.some(({outcome}) => outcome === 'elsewhere')
  return [
    ...(here.length > 0 ? [ofRun(target.run, stopping.ended)] : []),
    ...(away && !isTold ? [runElsewhere(target.run, away.server)] : []),
  ]
}

function unwrap<T>(end: PromiseSettledResult<T>): T {
  if (end.status === 'rejected') throw end.reason
  return end.value
}
