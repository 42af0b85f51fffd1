import type {Conduct} from '../../face/conduct.ts'
import {runStatus} from '../../face/run-status.ts'
import {statusTable} from '../../face/status-table.ts'
import type {CommandOf} from '../inputs.ts'
import {type Performance, statusOf} from '../performance.ts'

/** Asks once what the server and the workspace are doing. */
export async function performStatus({settings}: CommandOf<'status'>, conduct: Conduct): Promise<Performance> {
  const result = await runStatus(settings, {...conduct, show: () => {}})
  const {exit_code: exitCode, server_activity: activity, generations_running: running, error} = result
  const isKnown = result.generations_running_source !== 'workspace, server unknown'
  return {
    status: statusOf(exitCode),
    exitCode,
    words: statusTable(result),
    headline: `${result.server_url} is ${result.status}, ${activity.state === 'idle' ? 'idle' : `${activity.state} (${activity.reason})`}.`,
    ...(error ? {error} : {}),
    report: result,
    sessions: [...result.active_generations, ...result.orphaned_generations].map(
      ({session_id: session, status: state, owner}) => {
        return {
          session,
          state,
          message: owner === 'dead' || owner === 'foreign' ? 'nobody goes on with it: run the command recover' : '',
        }
      },
    ),
    // What nobody could tell is no number to act on.
    outputs: {idle: String(activity.state === 'idle'), 'generations-running': isKnown ? String(running) : ''},
  }
}
