import type {Context} from '../context.ts'
import {findSessions, type HistoryQuery} from './list.ts'

/**
 * The lines of all sessions that a query fits, as they are kept: JSON Lines that another workspace can merge. Sessions in the
 * order they began, each one's lines together.
 */
export async function* exportHistory(
  context: Pick<Context, 'sessions' | 'clock'>,
  query: HistoryQuery,
): AsyncGenerator<string> {
  for (const {id} of await findSessions(context, query)) {
    for await (const {text} of context.sessions.history(id)) yield text
  }
}
