import type {Context} from '../context.ts'
import {isSettled} from '../session/history-line.ts'
import type {OwnedSession} from '../store/session-store.ts'

export interface PruneOptions {
  /** Histories of sessions that ended longer ago than so many milliseconds go. */
  readonly olderThanMs: number
  /** Of the others only so many stay, the newest. */
  readonly keep: number
  /** Only tell which. */
  readonly dryRun: boolean
}

/** What pruning came to; also what `--json` prints. */
export interface PruneResult {
  readonly schemaVersion: 1
  readonly dry_run: boolean
  readonly removed: readonly string[]
  readonly kept: number
  /** Not settled, so never removed. */
  readonly active: number
}

/**
 * Removes old histories of settled sessions. Never active ones, never pictures, and never that of an asset's newest picture: by
 * it `generate` knows that the picture need not be made again.
 */
export async function pruneHistory(
  {sessions, clock}: Pick<Context, 'sessions' | 'clock'>,
  {olderThanMs, keep, dryRun}: PruneOptions,
): Promise<PruneResult> {
  const all = await sessions.list({active: false})
  const settled = all.filter((session) => isSettled(session) && !session.unsupported)
  const byEnd = settled.toSorted((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
  const now = clock.now()
  const needed = newestOfEach(byEnd)
  const old = byEnd.filter(
    (session, at) => (at >= keep || now - Date.parse(session.updatedAt) > olderThanMs) && !needed.has(session),
  )
  const ids = old.map(({id}) => id)
  const removed = dryRun ? ids : await sessions.upkeep.remove(ids)
  return {
    schemaVersion: 1,
    dry_run: dryRun,
    removed,
    kept: settled.length - removed.length,
    active: all.length - settled.length,
  }
}

/** The newest completed session of each asset, of sessions that are sorted by their ends. */
function newestOfEach(byEnd: readonly OwnedSession[]): ReadonlySet<OwnedSession> {
  const completed = byEnd.filter(({state}) => state === 'completed')
  return new Set([...Map.groupBy(completed, ({asset}) => asset).values()].flatMap(([newest]) => newest ?? []))
}
