import type {Manifest} from '../asset/manifest.ts'
import type {ManifestProblem} from '../asset/manifest-error.ts'
import type {ExitCode} from '../errors.ts'
import type {AssetOutcome} from '../generation/outcome.ts'

/** What a command came to, as far as outputs, log and summary tell of it. */
export interface Performance {
  /** One word: the output `status`. */
  readonly status: Status
  readonly exitCode: ExitCode
  /** The last words in the log, as the command line prints them. */
  readonly words: string
  /** One line for the summary. */
  readonly headline: string
  readonly error?: {readonly message: string; readonly next?: string | undefined}
  /** Outputs of this command, by name. */
  readonly outputs: Readonly<Record<string, string>>
  /** What `--json` prints. */
  readonly report: object
  readonly run?: string
  readonly assets?: readonly AssetOutcome[]
  readonly manifest?: Manifest
  /** What is wrong in a manifest that was refused. */
  readonly problems?: readonly ManifestProblem[]
  /** Sessions and what became of them, for commands that are about sessions. */
  readonly sessions?: readonly {readonly session: string; readonly state: string; readonly message: string}[]
  /** The pictures that are there now, and the folder they are named from in an artifact. Absolute. */
  readonly pictures?: {readonly root: string; readonly files: readonly string[]}
  /** Server and what was found of it, for commands that are about servers. */
  readonly findings?: readonly {readonly name: string; readonly state: string; readonly detail: string}[]
}

/** The exit codes in words (the README's table), and what a wait found. */
export type Status =
  | 'completed'
  | 'idle'
  | 'busy'
  | 'failed'
  | 'usage'
  | 'unreachable'
  | 'denied'
  | 'no-backend'
  | 'partial'
  | 'timed-out'
  | 'cancelled'

const STATUS: Readonly<Record<ExitCode, Status>> = {
  0: 'completed',
  1: 'failed',
  2: 'usage',
  3: 'unreachable',
  4: 'denied',
  5: 'no-backend',
  6: 'partial',
  124: 'timed-out',
  130: 'cancelled',
  143: 'cancelled',
}

/** The exit code in one word. */
export function statusOf(code: ExitCode): Status {
  return STATUS[code]
}
