import {systemClock} from '../clock.ts'
import {openWorkspace, resolveWorkspace} from '../store/workspace.ts'
import {artifactName, type UploadAnswer, uploadHistory} from './artifact.ts'
import {saveState, stateKeys} from './cache.ts'
import type {Inputs} from './inputs.ts'
import {annotate, grouped, say} from './log.ts'
import type {Runner} from './runner.ts'
import {packHistories} from './state-file.ts'

/** What is to survive this job. */
export interface Keeping {
  /** Sessions with a line since then are this step's; ISO 8601. */
  readonly since: string
  /** The command did not end as it should. */
  readonly failed: boolean
}

/** Commands that write histories. */
const WRITERS: ReadonlySet<string> = new Set(['generate', 'recover', 'cancel'])

export function writesHistories({task}: Inputs): boolean {
  return WRITERS.has(task.command)
}

/** Whether prompts are left out of what others can read. */
export function hidesPrompts({keep}: Inputs, {isPublic}: Runner): boolean {
  return keep['redact-prompts'] === 'auto' ? isPublic : keep['redact-prompts'] === 'true'
}

/** Keeps the histories in the cache for later runs, and uploads those of this step. Fails nothing: what was not kept is said. */
export async function keepHistories(
  inputs: Inputs,
  runner: Runner,
  {since, failed}: Keeping,
): Promise<UploadAnswer | undefined> {
  const {keep, task} = inputs
  const redactPrompts = hidesPrompts(inputs, runner)
  const workspace = resolveWorkspace({stateDir: task.settings['state-dir'], stateFile: task.settings['state-file']})
  const sessions = openWorkspace({...workspace, clock: systemClock, command: 'ag action', readOnly: true})
  return grouped('Keep the histories', async () => {
    const touched = (await sessions.list({active: false})).some(({updatedAt}) => updatedAt >= since)
    if (!touched) {
      say('No session was written to: there is nothing new to keep.')
      return undefined
    }
    if (keep.cache === 'auto' || keep.cache === 'write') {
      const keys = stateKeys(runner, keep['state-name'], keep['_job-index'])
      const write = (path: string): Promise<number> =>
        packHistories({sessions, clock: systemClock}, path, {redactPrompts})
      say((await saveState(runner, keys, write)).words)
    }
    if (keep.history === 'never' || (keep.history === 'on-failure' && !failed)) return undefined
    const name = artifactName('history', runner, keep['state-name'], keep['_job-index'])
    const answer = await uploadHistory(runner, {
      sessions,
      name,
      since,
      redactPrompts,
      retentionDays: keep['retention-days'],
    })
    if (answer.failed) annotate('warning', answer.words, 'ag: history')
    else say(answer.words)
    return answer
  })
}
