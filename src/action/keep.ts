import {systemClock} from '../clock.ts'
import {messageOf} from '../ending.ts'
import {type UploadAnswer, uploadHistory, uploadPictures} from './artifact.ts'
import {saveState} from './cache.ts'
import {annotate, grouped, say} from './log.ts'
import type {Performance} from './performance.ts'
import {packHistories} from './state-file.ts'
import {artifactOf, hidesPrompts, historiesOf, keysOf, type Step} from './step.ts'

interface Keeping {
  /** The command did not end as it should. */
  readonly failed: boolean
  /** There may be a state of earlier runs that could not be read. */
  readonly unread: boolean
}

/**
 * Keeps the histories in the cache for later runs, and uploads those of this step. Fails nothing: what was not kept is said.
 */
export function keepHistories(step: Step, {failed, unread}: Keeping): Promise<UploadAnswer | undefined> {
  return grouped('Keep the histories', () =>
    harmless('The histories were not kept', async () => {
      const {keep} = step.inputs
      const {runner, signal, since} = step
      const redactPrompts = hidesPrompts(step)
      const sessions = historiesOf(step, {readOnly: true})
      const touched = (await sessions.list({active: false})).some(({updatedAt}) => updatedAt >= since)
      if (!touched) {
        say('No session was written to: there is nothing new to keep.')
        return undefined
      }
      if (unread) say('The state was not kept: later runs would find it instead of the one that could not be read.')
      else if (keep.cache === 'auto' || keep.cache === 'write') {
        const histories = {sessions, clock: systemClock}
        const answer = await saveState({temp: runner.temp, signal}, keysOf(step), (path) =>
          packHistories(histories, path, {redactPrompts}),
        )
        say(answer.words)
      }
      if (signal.aborted || keep.history === 'never' || (keep.history === 'on-failure' && !failed)) return undefined
      const name = artifactOf(step, 'history')
      const retentionDays = keep['retention-days']
      return told('history', await uploadHistory(runner, {signal, sessions, name, since, redactPrompts, retentionDays}))
    }),
  )
}

/** Uploads the pictures that the manifest declares and that are there. Fails nothing. */
export function keepPictures(step: Step, performance: Performance): Promise<UploadAnswer | undefined> {
  return grouped('Upload the pictures', () =>
    harmless('The pictures were not uploaded', async () => {
      const {runner, signal} = step
      const {root, files} = performance.pictures ?? {root: runner.workspace, files: []}
      const name = artifactOf(step, 'pictures')
      const retentionDays = step.inputs.keep['retention-days']
      return told('pictures', await uploadPictures(runner, {signal, name, root, files, retentionDays}))
    }),
  )
}

function told(what: string, answer: UploadAnswer): UploadAnswer {
  if (answer.failed) annotate('warning', answer.words, `ag: ${what}`)
  else say(answer.words)
  return answer
}

/** Keeping is a service to later runs: whatever goes wrong with it, the pictures are made. */
async function harmless<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    annotate('warning', `${what}: ${messageOf(error)}`, 'ag')
    return undefined
  }
}
