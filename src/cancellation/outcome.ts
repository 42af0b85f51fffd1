import type {Context} from '../context.ts'
import {ExitCode} from '../errors.ts'
import type {SessionState} from '../session/session.ts'
import type {OwnedSession} from '../store/session-store.ts'
import {foreignLine} from '../text.ts'
import type {Target} from './targets.ts'
import type {UserOutcome} from './user-work.ts'
import {credentialsOf} from './work.ts'

/** What became of one session that was to be cancelled. */
export interface CancelOutcome {
  readonly session: string
  readonly asset: string
  readonly run: string
  /** How it ended, or why it did not: still `running`, out of this machine's reach, or on another server (`elsewhere`). */
  readonly outcome: SessionState | 'running' | 'out_of_reach' | 'elsewhere'
  readonly message: string
}

/** What became of a whole run: whether its process has ended, or works with another server. */
export interface RunOutcome {
  readonly run: string
  readonly outcome: 'ended' | 'running' | 'elsewhere'
  readonly message: string
}

type Outcome = CancelOutcome | RunOutcome | UserOutcome

/** What became of a session, a run or a user's work, in a sentence. */
export function outcomeLine(outcome: Outcome): string {
  return `${whatIsMeant(outcome)} ${outcome.message}.`
}

function whatIsMeant(outcome: Outcome): string {
  if ('session' in outcome) return outcome.session
  return 'run' in outcome ? `The run ${outcome.run}` : `Everything of the user "${outcome.user}"`
}

interface Unfinished {
  readonly outcome: Outcome['outcome']
  readonly exitCode: ExitCode
  readonly next?: string
  /** The next step when everything of the user was stopped, too. */
  readonly nextWithUser?: string
}

/** Outcomes that are no end, the one that weighs most first. */
const UNFINISHED: readonly Unfinished[] = [
  {outcome: 'running', exitCode: ExitCode.deadline, next: 'Wait for it (ag wait-idle), or cancel again.'},
  {outcome: 'unknown', exitCode: ExitCode.denied, next: 'See what this user may ask the server: ag doctor.'},
  {
    outcome: 'out_of_reach',
    exitCode: ExitCode.denied,
    next: 'Cancel it on the machine that made it, or stop all of your user: ag cancel --user.',
    nextWithUser: 'Bring it to its end here with ag recover --apply.',
  },
  {outcome: 'elsewhere', exitCode: ExitCode.usage},
]

/** What a cancel came to that had these outcomes: an error for the one that weighs most, if any is no end. */
export function conclude(outcomes: readonly Outcome[]): {
  readonly exit_code: ExitCode
  readonly error?: {readonly message: string; readonly next?: string}
} {
  const withUser = outcomes.some((one) => 'user' in one)
  for (const {outcome, exitCode, next, nextWithUser} of UNFINISHED) {
    const found = outcomes.find((one) => one.outcome === outcome)
    const hint = withUser ? (nextWithUser ?? next) : next
    if (found) return {exit_code: exitCode, error: {message: outcomeLine(found), ...(hint ? {next: hint} : {})}}
  }
  return {exit_code: ExitCode.done}
}

/** Of a session that was over before it was to be cancelled. */
export function overBefore(session: OwnedSession): CancelOutcome {
  return describe(session, `was already ${session.state}`)
}

const ENDINGS: Readonly<Partial<Record<SessionState, string>>> = {
  cancelled: 'is cancelled',
  completed: 'was finished before it could be stopped',
  lost: 'was lost before it could be stopped',
}

/** Of a session that came to its end, this one or another. */
export function over(session: OwnedSession): CancelOutcome {
  return describe(session, ENDINGS[session.state] ?? `had ${session.state} before`)
}

/** Of a session that the server has not stopped in time. */
export function goesOn(session: OwnedSession): CancelOutcome {
  return describe(session, 'is still running: the server has not stopped it in time', 'running')
}

/** Of a session that is at another server, by its process or by what it was sent under: where to cancel it. `undefined` for any other. */
export function elsewhere(
  session: OwnedSession,
  {run, attendants, credentials}: Pick<Target, 'run' | 'attendants' | 'credentials'>,
  {address}: Context['server'],
): CancelOutcome | undefined {
  const processes = attendants.filter(({token}) => token === session.owner)
  const servers = [...credentialsOf(session, credentials), ...processes].map(({server}) => server)
  const [first] = servers
  if (first === undefined || servers.includes(address)) return undefined
  return describe(session, `runs on ${first}: ${toCancelThere(run, first)}`, 'elsewhere')
}

/**
 * Of a session that cannot be stopped from here: without the credential nobody can stop what the server was asked to make; and
 * another machine's process may be alive. `undefined` for any other.
 */
export function outOfReach(
  session: OwnedSession,
  {credentials}: Pick<Target, 'credentials'>,
): CancelOutcome | undefined {
  const {ownerStanding, submission} = session
  if (ownerStanding === 'foreign') {
    return describe(session, 'was made on another machine, which alone can stop it', 'out_of_reach')
  }
  const canStop = submission === undefined || credentialsOf(session, credentials).length > 0
  if (ownerStanding !== 'dead' || canStop) return undefined
  return describe(session, 'was left by a process that died before it noted how to stop it', 'out_of_reach')
}

/** Of a run, by whether its process has ended. */
export function ofRun(run: string, ended: boolean): RunOutcome {
  return ended
    ? {run, outcome: 'ended', message: 'has ended'}
    : {run, outcome: 'running', message: 'has not ended in time'}
}

/** Of a run whose process works with another server: where to cancel it. */
export function runElsewhere(run: string, server: string): RunOutcome {
  return {run, outcome: 'elsewhere', message: `is at ${server}: ${toCancelThere(run, server)}`}
}

function toCancelThere(run: string, server: string): string {
  return `ag cancel --run ${run} --server ${server}`
}

function describe(
  {id, asset, run, state}: OwnedSession,
  message: string,
  outcome: CancelOutcome['outcome'] = state,
): CancelOutcome {
  return {session: id, asset: foreignLine(asset, 100), run, outcome, message}
}
