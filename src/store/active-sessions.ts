import {namesIn} from '../names-in.ts'
import {isSessionId, isSettled} from '../session/history-line.ts'
import type {Session} from '../session/session.ts'
import {readTail} from './history-reader.ts'
import {historyPath, type Layout} from './layout.ts'

/** The sessions with an active marker that are not settled, from their histories. */
export function activeSessions(layout: Layout): Session[] {
  return namesIn(layout.active)
    .filter(isSessionId)
    .flatMap((id) => readTail(historyPath(layout, id), id)?.line.session ?? [])
    .filter((session) => !isSettled(session))
}
