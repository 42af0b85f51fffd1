import type {Context} from '../context.ts'
import {promptsIn, withoutPrompts, withoutQuotedPrompts} from '../session/without-prompts.ts'
import type {HistoryLine, SessionStore} from '../store/session-store.ts'
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
  for (const {id} of await findSessions(context, query)) {
    for await (const {text} of exportSession(context.sessions, id, options)) yield text
  }
}

/** The lines of one session, as they may leave the machine. */
export async function* exportSession(
  sessions: SessionStore,
  id: string,
  {redactPrompts = false}: ExportOptions = {},
): AsyncGenerator<HistoryLine> {
  if (!redactPrompts) {
    yield* sessions.history(id)
    return
  }
  const request = await sessions.request(id)
  const prompts = request ? [request.prompt, ...promptsIn(request.parameters)] : []
  for await (const line of sessions.history(id)) {
    yield {...line, text: withoutQuotedPrompts(withoutPrompts(line.text), prompts)}
  }
}
