import type {Conduct} from '../../face/conduct.ts'
import {count} from '../../face/count.ts'
import {cancelSummary, runCancel} from '../../face/run-cancel.ts'
import type {CommandOf} from '../inputs.ts'
import {type Performance, statusOf} from '../performance.ts'

/** Stops generations of this workspace. */
export async function performCancel({settings}: CommandOf<'cancel'>, conduct: Conduct): Promise<Performance> {
  const result = await runCancel(settings.session ?? [], settings, conduct)
  const {exit_code: exitCode, sessions, error} = result
  return {
    status: statusOf(exitCode),
    exitCode,
    words: cancelSummary(result),
    headline: sessions.length === 0 ? 'Nothing was active.' : `${count(sessions.length, 'session')} asked to stop.`,
    ...(error ? {error} : {}),
    report: result,
    sessions: sessions.map(({session, outcome, message}) => ({session, state: outcome, message})),
    outputs: {},
  }
}
