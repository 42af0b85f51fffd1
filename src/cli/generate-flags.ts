import {Flags} from '@oclif/core'
import {UsageError} from '../errors.ts'
import type {ResumeMode} from '../resume.ts'
import {newRunId} from '../session/run-id.ts'
import {type RunGateFlags, runGateFlags} from './gate-flags.ts'

/** How a run is made; shared by `generate` and `generate image`. */
export const runFlags = {
  ...runGateFlags,
  concurrency: Flags.integer({
    char: 'c',
    env: 'AG_CONCURRENCY',
    default: 2,
    min: 1,
    max: 64,
    description: 'How many pictures to ask for at once.',
    helpGroup: 'RUN',
  }),
  'fail-fast': Flags.boolean({description: 'Start nothing more after the first failure.', helpGroup: 'RUN'}),
  retries: Flags.integer({
    default: 2,
    min: 0,
    max: 20,
    description: 'How often to try again after a transient failure.',
    helpGroup: 'RUN',
  }),
  timeout: Flags.string({
    description: 'Stop after this long, the wait of --wait-idle included, e.g. 45s, 30m, 2h.',
    helpValue: 'DURATION',
    helpGroup: 'RUN',
  }),
  transport: Flags.option({
    options: ['websocket', 'http'] as const,
    default: 'websocket' as const,
    description: 'http is for proxies that know no WebSockets; it shows no progress.',
    helpGroup: 'SERVER',
  })(),
  overwrite: Flags.boolean({description: 'Replace files in the way that ag did not make.', helpGroup: 'RUN'}),
  'allow-fuzzy-model': Flags.boolean({
    description: 'Let the server choose the model whose name merely contains the text.',
    helpGroup: 'RUN',
  }),
  events: Flags.boolean({
    exclusive: ['json'],
    description: 'Print each event as a line of JSON on stdout.',
    helpGroup: 'GLOBAL',
  }),
} as const

export interface RunFlags extends RunGateFlags {
  readonly concurrency: number
  readonly 'fail-fast': boolean
  readonly retries: number
  readonly timeout: string | undefined
  readonly transport: 'websocket' | 'http'
  readonly overwrite: boolean
  readonly 'allow-fuzzy-model': boolean
  readonly events: boolean
  readonly quiet: boolean
}

const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,35}$/

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
