import {systemClock} from '../clock.ts'
import {messageOf} from '../ending.ts'
import type {SessionStore} from '../store/session-store.ts'
import {type UploadAnswer, uploadHistory, uploadPictures} from './artifact.ts'
import {isNewSince} from './before.ts'
import {saveState} from './cache.ts'
import {tellPost} from './handover.ts'
import {annotate, grouped, say} from './log.ts'
import type {Performance} from './performance.ts'
import {packHistories} from './state-file.ts'
import {artifactOf, hidesPrompts, historiesOf, keysOf, type Step} from './step.ts'

interface Keeping {
  /** The command did not end as it should. */
  readonly failed: boolean
  /** There may be a state of earlier runs that could not be read. */
  readonly unread: boolean
  /** Main has kept it already. */
  readonly stateKept?: boolean
  readonly historyKept?: boolean
}

/** Keeps the histories in the cache for later runs, and uploads those of this step. Fails nothing: what was not kept is said. */
export function keepHistories(step: Step, keeping: Keeping): Promise<UploadAnswer | undefined> {
  return grouped('Keep the histories', () =>
    harmless('The histories were not kept', async () => {
      const sessions = historiesOf(step, {readOnly: true})
      const touched = (await sessions.list({active: false})).some((session) => isNewSince(step.before, session))
      if (!touched) say('No session was written to: there is nothing new to keep.')
      if (touched && !keeping.stateKept) await keepState(step, sessions, keeping)
      if (step.signal.aborted) return undefined
      tellPost.stateKept()
      const answer = touched && !keeping.historyKept ? await keepHistory(step, sessions, keeping) : undefined
      if (!step.signal.aborted) tellPost.historyKept()
      return answer
    }),
  )
}

async function keepState(step: Step, sessions: SessionStore, {unread}: Keeping): Promise<void> {
  const {cache} = step.inputs.keep
  if (cache === 'off' || cache === 'read') return
  if (unread) {
    return say('The state was not kept: later runs would find it instead of the one that could not be read.')
  }
  const {runner, signal} = step
  const answer = await saveState({temp: runner.temp, signal}, keysOf(step), (path) =>
    packHistories({sessions, clock: systemClock}, path, {redactPrompts: hidesPrompts(step)}),
  )
  say(answer.words)
}

async function keepHistory(step: Step, sessions: SessionStore, {failed}: Keeping): Promise<UploadAnswer | undefined> {
  const {history, 'retention-days': retentionDays} = step.inputs.keep
  if (history === 'never' || (history === 'on-failure' && !failed)) return undefined
  const {signal, before, runner} = step
  const upload = {
    signal,
    sessions,
    before,
    retentionDays,
    name: artifactOf(step, 'history'),
    redactPrompts: hidesPrompts(step),
  }
  return told('history', await uploadHistory(runner, upload))
}

/** Uploads the pictures that the command got, or that were there. Fails nothing. */
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

/** Keeping is for later runs: whatever goes wrong with it, the pictures are made. */
export async function harmless<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    annotate('warning', `${what}: ${messageOf(error)}`, 'ag')
    return undefined
  }
}
