import type {Staleness} from './session.ts'

const STALE_MS = 5 * 60_000
const VERY_STALE_MS = 15 * 60_000

/** How long a session has been silent, as a label for people (seed 003). Whether its owner lives is another question. */
export function staleness(silentMs: number): Staleness {
  if (silentMs > VERY_STALE_MS) return 'very_stale'
  return silentMs > STALE_MS ? 'stale' : 'fresh'
}
