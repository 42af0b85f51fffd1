import type {Context} from './context.ts'
import {messageOf} from './ending.ts'
import {AgError, systemCode} from './errors.ts'

/** Removes what dead processes left in the workspace. What cannot be removed now is another time, and spoils no result: it is told. */
export async function tidyWorkspace({sessions, report}: Pick<Context, 'sessions' | 'report'>): Promise<void> {
  try {
    await sessions.upkeep.tidy()
  } catch (error) {
    if (!(error instanceof AgError) && systemCode(error) === undefined) throw error
    report({event: 'notice', message: `What dead processes left here could not be removed: ${messageOf(error)}`})
  }
}
