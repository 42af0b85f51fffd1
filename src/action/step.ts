import {openHistories} from '../face/workspace.ts'
import type {SessionStore} from '../store/session-store.ts'
import {artifactName} from './artifact.ts'
import type {Before} from './before.ts'
import {type StateKeys, stateKeys} from './cache.ts'
import type {Inputs} from './inputs.ts'
import type {Runner} from './runner.ts'

/** One step of a job: what it was asked for, where it runs, and when it is to stop. */
export interface Begun {
  readonly inputs: Inputs
  readonly runner: Runner
  /** Aborted when the job is cancelled. */
  readonly signal: AbortSignal
  /** Which of its two processes this is: main may have taken a name already that it got no further with. */
  readonly phase: 'main' | 'post'
}

/** A step whose command is about to begin, or has. */
export interface Step extends Begun {
  /** What the command found: sessions with more lines than that are its own. */
  readonly before: Before
}

/** Commands that look at what earlier runs did, and commands that write histories. */
const READERS: ReadonlySet<string> = new Set(['generate', 'recover', 'status'])
const WRITERS: ReadonlySet<string> = new Set(['generate', 'recover', 'cancel'])

export function readsHistories({command}: Inputs): boolean {
  return READERS.has(command.name)
}

export function writesHistories({command}: Inputs): boolean {
  return WRITERS.has(command.name)
}

/** Whether prompts are left out of what others can read. */
export function hidesPrompts({inputs: {keep}, runner}: Pick<Begun, 'inputs' | 'runner'>): boolean {
  return keep['redact-prompts'] === 'auto' ? runner.isPublic : keep['redact-prompts'] === 'true'
}

/** The workspace's histories. */
export function historiesOf({inputs: {command}}: Begun, {readOnly}: {readonly readOnly: boolean}): SessionStore {
  return openHistories(command.settings, {command: 'ag action', readOnly})
}

export function keysOf({inputs: {keep}, runner, phase}: Begun): StateKeys {
  const {key, restore} = stateKeys(runner, keep['state-name'], keep['_job-index'])
  return {key: phase === 'main' ? key : `${key}${phase}/`, restore}
}

export function artifactOf({inputs: {keep}, runner, phase}: Begun, what: 'history' | 'pictures'): string {
  const name = artifactName(what, runner, keep['state-name'], keep['_job-index'])
  return phase === 'main' ? name : `${name}-${phase}`
}
