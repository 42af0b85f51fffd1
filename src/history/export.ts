import type {Context} from '../context.ts'
import {withoutPrompts} from '../session/without-prompts.ts'
import {findSessions, type HistoryQuery} from './list.ts'

/**
 * The lines of all sessions that a query fits, as they are kept: JSON Lines that another workspace can merge. Sessions in the
 * order they began, each one's lines together. With `redactPrompts` what the prompts were is left out.
 */
export async function* exportHistory(
  context: Pick<Context, 'sessions' | 'clock'>,
  query: HistoryQuery,
  {redactPrompts = false}: {readonly redactPrompts?: boolean} = {},
): AsyncGenerator<string> {
  for (const {id} of await findSessions(context, query)) {
    for await (const {text} of context.sessions.history(id)) yield redactPrompts ? withoutPrompts(text) : text
  }
}
