import {systemClock} from '../clock.ts'
import {messageOf} from '../ending.ts'
import {StorageError} from '../errors.ts'
import {count} from '../face/count.ts'
import {restoreState} from './cache.ts'
import {grouped, say} from './log.ts'
import {unpackHistories} from './state-file.ts'
import {type Begun, historiesOf, keysOf, readsHistories} from './step.ts'

export interface Restored {
  /** The key of the entry, if there was one. */
  readonly key?: string
  /** There may be a state that could not be read: one of this run alone must not take its place. */
  readonly unread?: boolean
}

/** Adds what earlier runs kept to the workspace. Fails nothing. */
export async function restoreHistories(step: Begun): Promise<Restored> {
  const {cache} = step.inputs.keep
  if (!readsHistories(step.inputs) || cache === 'off' || cache === 'write') return {}
  const {runner, signal} = step
  return grouped('Restore the histories of earlier runs', async () => {
    const sessions = historiesOf(step, {readOnly: false})
    try {
      const answer = await restoreState({temp: runner.temp, signal}, keysOf(step), async (path) => {
        const {added, changed, unchanged, damaged, live} = await unpackHistories({sessions, clock: systemClock}, path)
        const bad = damaged > 0 ? `; ${count(damaged, 'line')} left out, being none of a history` : ''
        const left = live.length > 0 ? `; ${live.length} left alone, being written at this moment` : ''
        return `${count(added, 'session')} new here, ${changed} with news, ${unchanged} known${bad}${left}.`
      })
      say(answer.words)
      return {...(answer.key ? {key: answer.key} : {}), ...(answer.unread ? {unread: true} : {})}
    } catch (error) {
      // What is wrong with the entry is mended by the next one; a disk that refuses is not.
      say(`Nothing was restored: ${messageOf(error)}`)
      return error instanceof StorageError ? {unread: true} : {}
    } finally {
      await sessions.close()
    }
  })
}
