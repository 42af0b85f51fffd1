import type {Context} from '../context.ts'
import {UsageError} from '../errors.ts'
import {nearest} from '../nearest.ts'
import {isSessionId, isSettled} from '../session/history-line.ts'
import type {Attendant, Credential, OwnedSession} from '../store/session-store.ts'
import {unknownSession} from '../unknown-session.ts'
import {credentialsFor} from './work.ts'

/** What to cancel. */
export interface Selection {
  /** Sessions by id. */
  readonly sessions: readonly string[]
  /** A whole run. */
  readonly run?: string
  /** Everything of this workspace. */
  readonly all: boolean
  /** Everything of this user on the server, whoever sent it. */
  readonly user: boolean
}

/** What is to be cancelled of one run. */
export interface Target {
  readonly run: string
  /** Where the whole run is meant: the processes that are at it. */
  readonly processes: readonly Attendant[]
  /** The processes at any run. */
  readonly attendants: readonly Attendant[]
  /** None where it waits for its turn. */
  readonly sessions: readonly OwnedSession[]
  /** What its work was sent under, by the token of the process that sent it. */
  readonly credentials: ReadonlyMap<string, Credential>
}

/**
 * The sessions and processes that the options name: those sessions that are over, and the others by their runs.
 *
 * Throws `UsageError` for a name that is none, and where it is not clear which run is meant.
 */
export async function selectTargets(
  {sessions}: Context,
  {sessions: ids, run, all, user}: Selection,
): Promise<{settled: OwnedSession[]; targets: Target[]}> {
  // A restored history may call its run anything.
  const active = (await sessions.list({active: true})).filter(({run: name}) => isSessionId(name))
  const named = await Promise.all(
    ids.map(async (id) => {
      const session = await sessions.get(id)
      if (!session) throw await unknownSession(sessions, id)
      return session
    }),
  )
  const attendants = await sessions.runs.attendants()
  const runOf = (session: OwnedSession): string => runOfSession(session, attendants)
  const going = [...new Set([...active.map(runOf), ...attendants.map((process) => process.run)])]
  const known = new Set([...going, ...active.map((session) => session.run)])
  const runs = new Set(all || user ? going : runToCancel(run, ids, {going, known}))
  const isMeant = (session: OwnedSession): boolean => runs.has(runOf(session)) || session.run === run
  const chosen = new Map(active.filter(isMeant).map((session) => [session.id, session]))
  for (const session of named) if (!isSettled(session)) chosen.set(session.id, session)
  const byRun = Map.groupBy(chosen.values(), runOf)
  const targets = [...new Set([...byRun.keys(), ...runs])].map(async (name) => {
    const members = byRun.get(name) ?? []
    return {
      run: name,
      processes: runs.has(name) ? attendants.filter((process) => process.run === name) : [],
      attendants,
      sessions: members,
      credentials: await credentialsFor(sessions, members),
    }
  })
  return {settled: named.filter(isSettled), targets: await Promise.all(targets)}
}

/** The run a session is made in: that of the process that has taken it over, if it has. */
function runOfSession({run, owner}: OwnedSession, attendants: readonly Attendant[]): string {
  const runs = attendants.filter(({token}) => token === owner).map((process) => process.run)
  return runs.includes(run) ? run : (runs[0] ?? run)
}

/** The run that is meant: the one named, or the only one there is. */
function runToCancel(
  run: string | undefined,
  ids: readonly string[],
  {going, known}: {readonly going: readonly string[]; readonly known: ReadonlySet<string>},
): readonly string[] {
  if (run !== undefined) {
    if (known.has(run)) return [run]
    throw new UsageError(`The run "${run}" is not active.`, {next: suggest(run, [...known])})
  }
  if (ids.length > 0) return []
  if (going.length <= 1) return going
  throw new UsageError(`${going.length} runs are active: ${going.join(', ')}.`, {
    next: 'Name one with --run, or cancel all of them with --all.',
  })
}

function suggest(name: string, names: readonly string[]): string {
  const near = nearest(name, names)
  return near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'See what is active with ag status.'
}
