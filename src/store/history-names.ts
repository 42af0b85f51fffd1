import {lstatSync, readdirSync} from 'node:fs'
import {isSessionId} from '../session/history-line.ts'
import type {Layout} from './layout.ts'

/** The names of what lies among the histories. A cache or an artifact may have brought a link; what is behind it is none of ours. */
export function historyNames({sessions}: Layout): string[] {
  try {
    return lstatSync(sessions).isDirectory() ? readdirSync(sessions) : []
  } catch {
    return []
  }
}

/** The ids of the sessions that have a history, by its name. */
export function historyIds(layout: Layout): string[] {
  return historyNames(layout).flatMap((name) => idOf(name) ?? [])
}

/** The id of the session whose history has this name; `undefined` for what is no history's. */
export function idOf(name: string): string | undefined {
  const id = name.endsWith('.jsonl') ? name.slice(0, -6) : undefined
  return isSessionId(id) ? id : undefined
}
