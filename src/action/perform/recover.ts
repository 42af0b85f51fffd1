import {dirname, resolve, sep} from 'node:path'
import type {Report} from '../../context.ts'
import type {Conduct} from '../../face/conduct.ts'
import {count} from '../../face/count.ts'
import {recoverSummary, runRecover} from '../../face/run-recover.ts'
import {workspaceOf} from '../../face/workspace.ts'
import {type AssetOutcome, isCompleted} from '../../generation/outcome.ts'
import type {CommandOf} from '../inputs.ts'
import {type Performance, statusOf} from '../performance.ts'
import {hidesPrompts, type Step} from '../step.ts'

/** Brings sessions whose process died to a true end, or tells what would be done. */
export async function performRecover(
  {settings}: CommandOf<'recover'>,
  {signal, report}: Conduct,
  step: Step,
): Promise<Performance> {
  const hides = hidesPrompts(step)
  const found = await runRecover(settings.manifest, settings, {
    signal,
    report: (event) => report(hides ? withoutServerWords(event) : event),
  })
  const resubmitted = (found.resubmitted ?? []).map((again) => ({
    ...again,
    assets: hides ? again.assets.map(withoutServerMessage) : again.assets,
  }))
  const result = {...found, ...(resubmitted.length > 0 ? {resubmitted} : {})}
  const {exit_code: exitCode, sessions, applied, error} = result
  const assets = resubmitted.flatMap((again) => again.assets)
  const made = assets.filter(isCompleted)
  const missing = assets.length - made.length
  const completed = sessions.filter(({outcome, state}) => outcome === 'done' && state === 'completed')
  const {stateDir} = workspaceOf(settings)
  const paths = [...completed.map(({path}) => path), ...made.map(({picture}) => picture.path)]
  const files = paths.flatMap((path) => (path ? [resolve(stateDir, ...path.split('/'))] : []))
  return {
    status: statusOf(exitCode),
    exitCode,
    words: recoverSummary(result),
    headline: applied
      ? `${count(completed.length, 'session')} completed, of ${sessions.length} to recover.`
      : `${count(sessions.length, 'session')} to recover; nothing was changed (apply: true does it).`,
    ...(error
      ? {error}
      : missing > 0
        ? {error: {message: `${count(missing, 'picture')} could not be made again.`}}
        : {}),
    ...(assets.length > 0 ? {assets} : {}),
    report: result,
    sessions: sessions.map(({session, state, message}) => ({session, state, message})),
    pictures: {root: rootOf(files, [stateDir, step.runner.workspace]), files},
    outputs: {recovered: String(completed.length)},
  }
}

/** Servers may quote prompts, and of what is made again from histories nobody here knows them. */
function withoutServerWords(event: Report): Report {
  if (event.event === 'asset.failed') return {...event, message: event.reason}
  return event.event === 'asset.retrying' ? {...event, message: 'it failed for now'} : event
}

function withoutServerMessage(outcome: AssetOutcome): AssetOutcome {
  if (isCompleted(outcome) || !outcome.error) return outcome
  return {...outcome, error: {...outcome.error, message: outcome.error.reason}}
}

/** The folder that all files are in: one of these, if one will do. */
function rootOf(files: readonly string[], folders: readonly string[]): string {
  const holds = (folder: string): boolean => files.every((file) => file.startsWith(`${folder}${sep}`))
  let folder = folders.find(holds) ?? dirname(files[0] ?? '')
  while (!holds(folder) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
}
