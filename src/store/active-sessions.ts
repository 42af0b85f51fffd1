import {readdirSync} from 'node:fs'
import {isSessionId, isSettled} from '../session/history-line.ts'
import type {Session} from '../session/session.ts'
import {readTail} from './history-reader.ts'
import {historyPath, type Layout} from './layout.ts'

/** The sessions with an active marker that are not settled, from their histories. */
export function activeSessions(layout: Layout): Session[] {
  return readdirSync(layout.active)
    .filter(isSessionId)
    .map((id) => readTail(historyPath(layout, id), id)?.line.session)
    .filter((session) => session !== undefined && !isSettled(session))
    .filter((session) => session !== undefined)
}
