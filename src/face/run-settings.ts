import {UsageError} from '../errors.ts'
import type {ResumeMode} from '../generation/resume.ts'
import {newRunId, RUN_NAME} from '../session/run-id.ts'
import type {RunGateSettings} from './gate.ts'

/** What a run is when nothing is set. */
export const RUN_DEFAULTS = {concurrency: 2, retries: 2, transport: 'websocket'} as const

export const TRANSPORTS = ['websocket', 'http'] as const

/** How a run is made. */
export interface RunSettings extends RunGateSettings {
  readonly concurrency: number
  readonly 'fail-fast': boolean
  readonly retries: number
  readonly timeout: string | undefined
  readonly transport: (typeof TRANSPORTS)[number]
  readonly overwrite: boolean
  readonly 'allow-fuzzy-model': boolean
}

/** What the run is called, and whether it goes on with an earlier one. Throws `UsageError` for a name that is none. */
export function runName({run, force}: {readonly run: string | undefined; readonly force: boolean}): {
  readonly run: string
  readonly resume: ResumeMode
} {
  if (run !== undefined && !RUN_NAME.test(run)) {
    throw new UsageError(`--run "${run}" cannot be the name of a run.`, {
      next: 'Use up to 36 letters, digits, - and _, beginning with a letter or digit.',
    })
  }
  return {run: run ?? newRunId(), resume: force ? 'never' : run === undefined ? 'continue' : 'adopt'}
}
