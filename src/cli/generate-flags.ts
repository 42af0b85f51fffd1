import {Flags} from '@oclif/core'
import {RUN_DEFAULTS, TRANSPORTS} from '../face/run-settings.ts'
import {runGateFlags} from './gate-flags.ts'

/** How a run is made; shared by `generate` and `generate image`. */
export const runFlags = {
  ...runGateFlags,
  concurrency: Flags.integer({
    char: 'c',
    env: 'AG_CONCURRENCY',
    default: RUN_DEFAULTS.concurrency,
    min: 1,
    max: 64,
    description: 'How many pictures to ask for at once.',
    helpGroup: 'RUN',
  }),
  'fail-fast': Flags.boolean({description: 'Start nothing more after the first failure.', helpGroup: 'RUN'}),
  retries: Flags.integer({
    default: RUN_DEFAULTS.retries,
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
    options: TRANSPORTS,
    default: RUN_DEFAULTS.transport,
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
