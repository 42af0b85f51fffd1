import type {Context} from '../context.ts'
import {isSettled} from '../session/history-line.ts'
import type {SessionState} from '../session/session.ts'
import type {OwnedSession} from '../store/session-store.ts'
import {foreignLine} from '../text.ts'

/** What the histories are asked for; what is left out does not matter. */
export interface HistoryQuery {
  readonly run?: string
  readonly asset?: string
  readonly state?: SessionState
  /** Only sessions with a line in the last so many milliseconds. */
  readonly sinceMs?: number
}

export interface ListOptions extends HistoryQuery {
  /** Only so many, the newest. */
  readonly limit: number
}

/** One session as a list shows it. */
export interface ListedSession {
  readonly session: string
  readonly asset: string
  readonly run: string
  readonly state: SessionState
  readonly started_at: string
  readonly updated_at: string
  /** From its start to its last line. */
  readonly duration_seconds: number
  /** Relative to the workspace. */
  readonly path?: string
  readonly sha256?: string
  readonly reason?: string
  readonly error?: string
  /** Of one that is not settled: the process that writes it. */
  readonly owner?: OwnedSession['ownerStanding']
  /** Its picture was found after its process had died. */
  readonly recovered?: 'disk' | 'server'
}

/** What `ag history --json` prints. */
export interface HistoryList {
  readonly schemaVersion: 1
  /** How many sessions the query fits, listed or not. */
  readonly total: number
  /** The newest first. */
  readonly sessions: readonly ListedSession[]
}

/** The sessions of a workspace, the newest first. */
export async function listHistory(
  context: Pick<Context, 'sessions' | 'clock'>,
  options: ListOptions,
): Promise<HistoryList> {
  const sessions = await findSessions(context, options)
  return {
    schemaVersion: 1,
    total: sessions.length,
    sessions: sessions.slice(-options.limit).reverse().map(describe),
  }
}

/** The sessions that a query fits, in the order they began. */
export async function findSessions(
  {sessions, clock}: Pick<Context, 'sessions' | 'clock'>,
  {run, asset, state, sinceMs}: HistoryQuery,
): Promise<readonly OwnedSession[]> {
  const all = await sessions.list({active: false})
  return all.filter(
    (session) =>
      (run === undefined || session.run === run) &&
      (asset === undefined || session.asset === asset) &&
      (state === undefined || session.state === state) &&
      (sinceMs === undefined || clock.now() - Date.parse(session.updatedAt) <= sinceMs),
  )
}

function describe(session: OwnedSession): ListedSession {
  const {picture, reason, error, recovered} = session.result ?? {}
  return {
    session: session.id,
    asset: foreignLine(session.asset, 100),
    run: foreignLine(session.run, 100),
    state: session.state,
    started_at: session.startedAt,
    updated_at: session.updatedAt,
    duration_seconds: Math.max(
      0,
      Math.round((Date.parse(session.updatedAt) - Date.parse(session.startedAt)) / 100) / 10,
    ),
    ...(picture ? {path: foreignLine(picture.path, 300), sha256: picture.sha256} : {}),
    ...(reason ? {reason: foreignLine(reason, 64)} : {}),
    ...(error ? {error: foreignLine(error, 500)} : {}),
    ...(isSettled(session) ? {} : {owner: session.ownerStanding}),
    ...(recovered ? {recovered} : {}),
  }
}
