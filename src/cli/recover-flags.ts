import {Flags} from '@oclif/core'
import {RECOVER_DEFAULTS} from '../face/recover-settings.ts'

/** What `ag recover` may do, and to what. */
export const recoverFlags = {
  apply: Flags.boolean({description: 'Do it. Without, nothing is changed: it only tells what it would do.'}),
  wait: Flags.boolean({
    description: 'With --apply: wait for what the server still works on.',
    dependsOn: ['apply'],
  }),
  timeout: Flags.string({
    default: RECOVER_DEFAULTS.timeout,
    helpValue: 'DURATION',
    description: 'How long --wait waits.',
  }),
  resubmit: Flags.boolean({
    description:
      'With --apply: make again, with the same seeds, what is known to be lost; of sessions named by --session also those of which nobody knows.',
    dependsOn: ['apply'],
  }),
  session: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    description: 'Only this session, repeatable.',
  }),
  since: Flags.string({
    helpValue: 'DURATION',
    description: 'Only sessions with a sign of life in the last so long, e.g. 2h.',
  }),
  'give-up-after': Flags.string({
    default: RECOVER_DEFAULTS.giveUpAfter,
    helpValue: 'DURATION',
    env: 'AG_GIVE_UP_AFTER',
    description: 'Give up a session of which nobody can tell after this long without a sign of life.',
  }),
  'output-dir': Flags.string({
    char: 'o',
    description: 'Folder with a folder of outputs for each session. Default: output in the workspace.',
    helpGroup: 'FOLDERS',
  }),
  'complete-when': Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'GLOB',
    description:
      'A session folder of another generator is complete when it has such a file; repeatable, all must match. Default: any picture.',
    helpGroup: 'FOLDERS',
  }),
  force: Flags.boolean({
    description: 'Take owners for dead where that cannot be asked, as on network file systems.',
  }),
  concurrency: Flags.integer({
    char: 'c',
    env: 'AG_CONCURRENCY',
    default: RECOVER_DEFAULTS.concurrency,
    min: 1,
    max: 64,
    description: 'How many pictures to fetch at once.',
  }),
  events: Flags.boolean({
    exclusive: ['json'],
    description: 'Print each event as a line of JSON on stdout.',
    helpGroup: 'GLOBAL',
  }),
} as const
