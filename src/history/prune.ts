import type {Context} from '../context.ts'
import {isSettled} from '../session/history-line.ts'
import type {Session} from '../session/session.ts'

/** What is kept when nothing is said: of settled sessions, the last 30 days, and of these the newest 1,000. */
export const PRUNE_DEFAULTS = {days: 30, keep: 1000} as const

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
 * Removes old histories of settled sessions. Never active ones, never pictures, and never that of the newest picture in its place: by
 * it `generate` knows that the picture need not be made again.
 */
export async function pruneHistory(
  {sessions, clock}: Pick<Context, 'sessions' | 'clock'>,
  {olderThanMs, keep, dryRun}: PruneOptions,
): Promise<PruneResult> {
  const all = await sessions.list({active: false})
  const settled = all.filter(isOver).length
  const ids = oldSessions(all, {olderThanMs, keep, now: clock.now()}).map(({id}) => id)
  const removed = dryRun ? ids : await sessions.upkeep.remove(ids)
  return {schemaVersion: 1, dry_run: dryRun, removed, kept: settled - removed.length, active: all.length - settled}
}

/** The sessions of these whose histories need not be kept. */
export function oldSessions<S extends Session>(
  all: readonly S[],
  {olderThanMs, keep, now}: Pick<PruneOptions, 'olderThanMs' | 'keep'> & {readonly now: number},
): readonly S[] {
  const byEnd = all.filter(isOver).sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
  const needed = newestOfEach(byEnd)
  return byEnd.filter(
    (session, at) => (at >= keep || now - Date.parse(session.updatedAt) > olderThanMs) && !needed.has(session),
  )
}

function isOver(session: Session): boolean {
  return isSettled(session) && !session.unsupported
}

/**
 * The newest completed session of each picture, by where it lies, of sessions that are sorted by their ends: two manifests may have assets of
 * one name. A session's id in the path makes it no other place than that of the next, and of a random seed only the newest counts.
 */
function newestOfEach(byEnd: readonly Session[]): ReadonlySet<Session> {
  const places = new Set<string>()
  const seeds = new Map<string, number>()
  const newest = byEnd.filter(({id, asset, key, state, result}) => {
    if (state !== 'completed') return false
    const place = `${asset} ${(result?.picture?.path ?? '').replaceAll(id, '')}`
    const seed = result?.seed
    const newer = key === undefined ? undefined : seeds.get(key)
    const isSuperseded = places.has(place) || (newer !== undefined && seed !== undefined && newer !== seed)
    places.add(place)
    if (key !== undefined && seed !== undefined && newer === undefined) seeds.set(key, seed)
    return !isSuperseded
  })
  return new Set(newest)
}
