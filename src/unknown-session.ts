import {UsageError} from './errors.ts'
import {nearest} from './nearest.ts'
import type {SessionStore} from './store/session-store.ts'
import {foreignLine} from './text.ts'

/** The error for an id that no session has, with the nearest ones. */
export async function unknownSession(sessions: SessionStore, id: string): Promise<UsageError> {
  const all = await sessions.list({active: false})
  const near = nearest(
    id,
    all.map((session) => session.id),
  )
  return new UsageError(`This workspace has no session "${foreignLine(id, 100)}".`, {
    next: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'See what there is with ag history.',
  })
}
