import {Flags} from '@oclif/core'
import {GATE_DEFAULTS as DEFAULTS, ON_TIMEOUT, SCOPES} from '../face/gate.ts'

/** When a server counts as idle, and how long to wait for that. */
export const gateFlags = {
  timeout: Flags.string({
    default: DEFAULTS.timeout,
    helpValue: 'DURATION',
    description: 'Give up after this long, e.g. 45s, 30m, 2h; a bare number counts seconds.',
    helpGroup: 'GATE',
  }),
  'stable-for': Flags.string({
    helpValue: 'DURATION',
    description: `For how long every look must find it idle; 0 takes one look. Default: ${DEFAULTS.stableFor}, with --reverse 0.`,
    helpGroup: 'GATE',
  }),
  interval: Flags.string({
    helpValue: 'DURATION',
    description: 'Time between looks. Default: 1.1s, slower while it stays busy.',
    helpGroup: 'GATE',
  }),
  scope: Flags.option({
    options: SCOPES,
    default: DEFAULTS.scope,
    description:
      'Whose work counts: all of the server (exit 4 where this user may not see it; auto then shows what it could see), or only what this workspace has it do.',
    helpGroup: 'GATE',
  })(),
  'max-queue': Flags.integer({
    default: DEFAULTS.maxQueue,
    min: 0,
    helpValue: 'N',
    description: 'Open with up to N pictures waiting or running.',
    helpGroup: 'GATE',
  }),
  'require-backends': Flags.integer({
    default: DEFAULTS.requireBackends,
    min: 1,
    helpValue: 'N',
    description: 'How many backends of a server must be up.',
    helpGroup: 'GATE',
  }),
  require: Flags.string({
    default: DEFAULTS.require,
    helpValue: 'all|any|N',
    description: 'With several servers: how many must be idle at once.',
    helpGroup: 'GATE',
  }),
  'on-timeout': Flags.option({
    options: ON_TIMEOUT,
    default: DEFAULTS.onTimeout,
    description: 'continue: go on (exit 0, run COMMAND) when it is merely still busy at the deadline.',
    helpGroup: 'GATE',
  })(),
  reverse: Flags.boolean({description: 'Wait until it is busy instead.', helpGroup: 'GATE'}),
} as const

/** The gate before a run's first request. */
export const runGateFlags = {
  'wait-idle': Flags.boolean({
    env: 'AG_WAIT_IDLE',
    description: 'Wait until the server is idle before the first picture, as `ag wait-idle` does.',
    helpGroup: 'RUN',
  }),
  'wait-timeout': Flags.string({
    dependsOn: ['wait-idle'],
    helpValue: 'DURATION',
    description: `Give up waiting after this long. Default: ${DEFAULTS.timeout}.`,
    helpGroup: 'RUN',
  }),
  'wait-stable-for': Flags.string({
    dependsOn: ['wait-idle'],
    helpValue: 'DURATION',
    description: `For how long it must be idle. Default: ${DEFAULTS.stableFor}.`,
    helpGroup: 'RUN',
  }),
} as const
