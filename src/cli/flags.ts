import {Flags} from '@oclif/core'
import {DEFAULT_SERVER} from '../face/settings.ts'

/** Where the server is and who we are to it; on every command that talks to one. */
export const serverFlags = {
  server: Flags.string({
    char: 's',
    env: 'AG_SERVER',
    default: DEFAULT_SERVER,
    description: 'SwarmUI server, or "mock" for one inside this process that draws placeholder pictures.',
    helpGroup: 'SERVER',
  }),
  token: Flags.string({
    env: 'AG_TOKEN',
    noCacheDefault: true,
    description: "A SwarmUI user's token (User tab, Swarm Auth Tokens).",
    helpGroup: 'SERVER',
  }),
  authorization: Flags.string({
    env: 'AG_AUTHORIZATION',
    noCacheDefault: true,
    description: 'The exact Authorization header the server or its proxy wants.',
    helpGroup: 'SERVER',
  }),
  'user-id': Flags.string({
    env: 'AG_USER_ID',
    description: 'Which user to be on a server without accounts.',
    helpGroup: 'SERVER',
  }),
  header: Flags.string({
    env: 'AG_HEADER',
    multiple: true,
    multipleNonGreedy: true,
    noCacheDefault: true,
    helpValue: 'name=value',
    description: 'A further header for a reverse proxy; repeatable (in AG_HEADER one a line).',
    helpGroup: 'SERVER',
  }),
  'allow-insecure': Flags.boolean({
    env: 'AG_ALLOW_INSECURE',
    description: 'Send credentials over plain http to a public host all the same.',
    helpGroup: 'SERVER',
  }),
} as const

/** As `serverFlags`, for commands that may ask several servers at once. */
export const serversFlags = {
  ...serverFlags,
  server: Flags.string({
    char: 's',
    env: 'AG_SERVER',
    default: [DEFAULT_SERVER],
    multiple: true,
    multipleNonGreedy: true,
    description: 'SwarmUI server, or "mock"; repeatable (in AG_SERVER separated by spaces).',
    helpGroup: 'SERVER',
  }),
} as const

/** Where the sessions are; on every command that reads or writes them. */
export const stateFlags = {
  'state-dir': Flags.directory({
    env: 'AG_STATE_DIR',
    description:
      'Workspace that holds .ag/ with the session histories. Default: the folder of --state-file, or this one.',
    helpGroup: 'STATE',
  }),
  'state-file': Flags.string({
    env: 'AG_STATE_FILE',
    description: 'File that lists the active sessions. Default: .asset-generator-state.json in the workspace.',
    helpGroup: 'STATE',
  }),
} as const
