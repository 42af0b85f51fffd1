import type {Context} from '../context.ts'
import {isSettled} from '../session/history-line.ts'
import type {HistoryLine, SessionStore} from '../store/session-store.ts'
import {unknownSession} from '../unknown-session.ts'

const LOOK_AGAIN_MS = 250

/**
 * The lines of one session, oldest first; with `follow` also those to come, until it is settled, its process is gone, or one leaves. Throws `UsageError` when
 * there is no such session, or the signal's reason.
 */
export async function* showHistory(
  {sessions, clock, signal}: Pick<Context, 'sessions' | 'clock' | 'signal'>,
  id: string,
  {follow, leave = new AbortController().signal}: {readonly follow: boolean; readonly leave?: AbortSignal},
): AsyncGenerator<HistoryLine> {
  if (!(await sessions.get(id))) throw await unknownSession(sessions, id)
  for (let shown = 0; ; ) {
    // Asked before the lines are read: what is settled by then has no further ones.
    const settled = await isOver(sessions, id)
    let at = 0
    for await (const line of sessions.history(id)) {
      if (at++ < shown) continue
      shown++
      yield line
    }
    if (!follow || settled || leave.aborted) return
    await clock.sleep(LOOK_AGAIN_MS, signal)
  }
}

async function isOver(sessions: SessionStore, id: string): Promise<boolean> {
  const session = await sessions.get(id)
  if (session === undefined || isSettled(session)) return true
  return session.ownerStanding === 'dead' || session.ownerStanding === 'foreign'
}
