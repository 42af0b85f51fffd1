import type {Context} from '../context.ts'
import {withoutPrompt, withoutPrompts} from '../session/without-prompts.ts'
import type {SessionStore} from '../store/session-store.ts'
import {findSessions, type HistoryQuery} from './list.ts'

interface ExportOptions {
  /** Leave out what the prompts were. */
  readonly redactPrompts?: boolean
}

/**
 * The lines of all sessions that a query fits, as they are kept: JSON Lines that another workspace can merge. Sessions in the
 * order they began, each one's lines together.
 */
export async function* exportHistory(
  context: Pick<Context, 'sessions' | 'clock'>,
  query: HistoryQuery,
  options: ExportOptions = {},
): AsyncGenerator<string> {
  for (const {id} of await findSessions(context, query)) yield* exportSession(context.sessions, id, options)
}

/** The lines of one session. */
export async function* exportSession(
  sessions: SessionStore,
  id: string,
  {redactPrompts = false}: ExportOptions = {},
): AsyncGenerator<string> {
  if (!redactPrompts) {
    for await (const {text} of sessions.history(id)) yield text
    return
  }
  const prompt = (await sessions.request(id))?.prompt ?? ''
  // As it stands in a line.
  const quoted = JSON.stringify(prompt).slice(1, -1)
  for await (const {text} of sessions.history(id)) yield withoutPrompt(withoutPrompts(text), quoted)
}
