import {openHistories} from '../face/workspace.ts'
import type {SessionStore} from '../store/session-store.ts'
import {artifactName} from './artifact.ts'
import {type StateKeys, stateKeys} from './cache.ts'
import type {Inputs} from './inputs.ts'
import type {Runner} from './runner.ts'

/** One step of a job: what it was asked for, where it runs, and when it is to stop. */
export interface Step {
  readonly inputs: Inputs
  readonly runner: Runner
  /** Aborted when the job is cancelled. */
  readonly signal: AbortSignal
  /** When its main began, ISO 8601: sessions with a line since then are its own. */
  readonly since: string
}

/** Commands that look at what earlier runs did, and commands that write histories. */
const READERS: ReadonlySet<string> = new Set(['generate', 'recover', 'status'])
const WRITERS: ReadonlySet<string> = new Set(['generate', 'recover', 'cancel'])

export function readsHistories({task}: Inputs): boolean {
  return READERS.has(task.command)
}

export function writesHistories({task}: Inputs): boolean {
  return WRITERS.has(task.command)
}

/** Whether prompts are left out of what others can read. */
export function hidesPrompts({inputs: {keep}, runner}: Pick<Step, 'inputs' | 'runner'>): boolean {
  return keep['redact-prompts'] === 'auto' ? runner.isPublic : keep['redact-prompts'] === 'true'
}

/** The workspace's histories. */
export function historiesOf({inputs: {task}}: Step, {readOnly}: {readonly readOnly: boolean}): SessionStore {
  return openHistories(task.settings, {command: 'ag action', readOnly})
}

export function keysOf({inputs: {keep}, runner}: Step): StateKeys {
  return stateKeys(runner, keep['state-name'], keep['_job-index'])
}

export function artifactOf({inputs: {keep}, runner}: Step, what: 'history' | 'pictures'): string {
  return artifactName(what, runner, keep['state-name'], keep['_job-index'])
}
