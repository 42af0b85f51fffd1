import {resolve} from 'node:path'
import type {Conduct} from '../../face/conduct.ts'
import {count} from '../../face/count.ts'
import {recoverSummary, runRecover} from '../../face/run-recover.ts'
import {workspaceOf} from '../../face/workspace.ts'
import type {TaskOf} from '../inputs.ts'
import {type Performance, statusOf} from '../performance.ts'

/** Brings sessions whose process died to a true end, or tells what would be done. */
export async function performRecover({settings}: TaskOf<'recover'>, conduct: Conduct): Promise<Performance> {
  const result = await runRecover(settings.manifest, settings, conduct)
  const {exit_code: exitCode, sessions, applied, error} = result
  const completed = sessions.filter(({outcome, state}) => outcome === 'done' && state === 'completed')
  const {stateDir} = workspaceOf(settings)
  const files = completed.flatMap(({path}) => (path ? [resolve(stateDir, ...path.split('/'))] : []))
  return {
    status: statusOf(exitCode),
    exitCode,
    words: recoverSummary(result),
    headline: applied
      ? `${count(completed.length, 'session')} completed, of ${sessions.length} to recover.`
      : `${count(sessions.length, 'session')} to recover; nothing was changed (apply: true does it).`,
    ...(error ? {error} : {}),
    report: result,
    sessions: sessions.map(({session, state, message}) => ({session, state, message})),
    pictures: {root: stateDir, files},
    outputs: {recovered: String(completed.length)},
  }
}
