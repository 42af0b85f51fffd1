import {type AgError, ExitCode} from '../errors.ts'
import {type AssetOutcome, type CompletedAsset, isCompleted} from './outcome.ts'

/** What a run came to; also what `--json` prints. */
export interface GenerateResult {
  readonly schemaVersion: 1
  readonly run: string
  readonly server: string
  readonly output_directory: string
  readonly made: number
  /** Finished by an earlier run, and found on the server or the disk. */
  readonly adopted: number
  /** There already. */
  readonly kept: number
  readonly failed: number
  /** Not attempted, or stopped before it was finished. */
  readonly pending: number
  readonly duration_seconds: number
  /** The exit code this result stands for. */
  readonly exit_code: ExitCode
  /** Why the run ended early, if it did. */
  readonly error?: {readonly message: string; readonly next?: string}
  readonly assets: readonly AssetOutcome[]
}

/** What became of all assets of a run, counted. `early`: why it ended before its end. */
export function resultOf(
  assets: readonly AssetOutcome[],
  of: {
    readonly run: string
    readonly server: string
    readonly outputDirectory: string
    readonly duration_seconds: number
    readonly early?: AgError
  },
): GenerateResult {
  const {run, server, outputDirectory, duration_seconds, early} = of
  const completed = assets.filter(isCompleted)
  const from = (wanted: CompletedAsset['source']): number => completed.filter(({source}) => source === wanted).length
  const pending = assets.filter(({state}) => state === 'pending' || state === 'cancelled').length
  return {
    schemaVersion: 1,
    run,
    server,
    output_directory: outputDirectory,
    made: from('made'),
    adopted: from('adopted'),
    kept: from('kept'),
    failed: assets.length - completed.length - pending,
    pending,
    duration_seconds,
    exit_code: early?.exitCode ?? (completed.length === assets.length ? ExitCode.done : ExitCode.assetsMissing),
    ...(early ? {error: {message: early.message, ...(early.next ? {next: early.next} : {})}} : {}),
    assets,
  }
}
