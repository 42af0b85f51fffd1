import {systemClock} from '../clock.ts'
import {AgError} from '../errors.ts'
import {count} from '../face/count.ts'
import {openWorkspace, resolveWorkspace} from '../store/workspace.ts'
import {restoreState, stateKeys} from './cache.ts'
import type {Inputs} from './inputs.ts'
import {grouped, say} from './log.ts'
import type {Runner} from './runner.ts'
import {unpackHistories} from './state-file.ts'

/** Commands that look at what earlier runs did. */
const READERS: ReadonlySet<string> = new Set(['generate', 'recover', 'status'])

/** Adds what earlier runs kept to the workspace. Returns the key of the entry, if there was one. Fails nothing. */
export async function restoreHistories(inputs: Inputs, runner: Runner): Promise<string | undefined> {
  const {keep, task} = inputs
  if (!READERS.has(task.command) || keep.cache === 'off' || keep.cache === 'write') return undefined
  const workspace = resolveWorkspace({stateDir: task.settings['state-dir'], stateFile: task.settings['state-file']})
  return grouped('Restore the histories of earlier runs', async () => {
    const sessions = openWorkspace({...workspace, clock: systemClock, command: 'ag action'})
    try {
      const keys = stateKeys(runner, keep['state-name'], keep['_job-index'])
      const answer = await restoreState(runner, keys, async (path) => {
        const {added, changed, unchanged, damaged, live} = await unpackHistories({sessions, clock: systemClock}, path)
        const bad = damaged > 0 ? `; ${count(damaged, 'line')} left out, being none of a history` : ''
        const left = live.length > 0 ? `; ${live.length} left alone, being written at this moment` : ''
        return `${count(added, 'session')} new here, ${changed} with news, ${unchanged} known${bad}${left}.`
      })
      say(answer.words)
      return answer.key
    } catch (error) {
      // A state that cannot be read is worth no more than none: pictures that are on the server are found all the same.
      say(`Nothing was restored: ${error instanceof AgError ? error.message : String(error)}`)
      return undefined
    } finally {
      await sessions.close()
    }
  })
}
