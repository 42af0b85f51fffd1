/** Exit codes of every command, one table (README, "Exit codes"). Never 0 when the state is unknown. */
export const ExitCode = {
  done: 0,
  unforeseen: 1,
  usage: 2,
  unreachable: 3,
  denied: 4,
  noBackend: 5,
  assetsMissing: 6,
  deadline: 124,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

interface AgErrorOptions {
  /** What the reader should do next, as an imperative sentence. */
  readonly next?: string | undefined
  readonly cause?: unknown
}

/**
 * What ag throws on purpose. The message names the thing and the reason; `next` says what to do about it; the class
 * decides the exit code. Anything else that reaches a face is a bug or the system, exit 1.
 */
export class AgError extends Error {
  override readonly name: string = 'AgError'
  readonly exitCode: ExitCode = ExitCode.unforeseen
  readonly next: string | undefined

  constructor(message: string, options: AgErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause})
    this.next = options.next
  }
}

/** Flags, manifest, files in the way: nothing was attempted. */
export class UsageError extends AgError {
  override readonly name: string = 'UsageError'
  override readonly exitCode = ExitCode.usage
}

/** There is a session of that id already. */
export class SessionExistsError extends UsageError {
  override readonly name: string = 'SessionExistsError'

  constructor(id: string, options: AgErrorOptions = {}) {
    super(`There is a session ${id} already.`, {next: 'Run the command again: it takes another id.', ...options})
  }
}

/** The server does not answer, or what answers is not a SwarmUI. */
export class UnreachableError extends AgError {
  override readonly name: string = 'UnreachableError'
  override readonly exitCode = ExitCode.unreachable
}

/** Authentication failed or a permission is missing, so the answer is not known. */
export class DeniedError extends AgError {
  override readonly name: string = 'DeniedError'
  override readonly exitCode = ExitCode.denied
}

/** The server is there but has no backend that could make a picture. */
export class NoBackendError extends AgError {
  override readonly name: string = 'NoBackendError'
  override readonly exitCode = ExitCode.noBackend
}

/** The disk refused: full, read-only, no permission. */
export class StorageError extends AgError {
  override readonly name: string = 'StorageError'
}

/** The one deadline of the command has passed. */
export class DeadlineError extends AgError {
  override readonly name: string = 'DeadlineError'
  override readonly exitCode = ExitCode.deadline
}

/** SIGINT, SIGTERM or SIGHUP (the terminal is gone): the reason an operation's signal is aborted with. */
export class InterruptedError extends AgError {
  override readonly name: string = 'InterruptedError'
  override readonly exitCode: ExitCode
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals) {
    super(`Interrupted by ${signal}.`)
    this.signal = signal
    this.exitCode = signal === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated
  }
}

/** Somebody ran `ag cancel`: the run ends as one that was interrupted does. */
export class CancelledError extends AgError {
  override readonly name: string = 'CancelledError'
  override readonly exitCode = ExitCode.interrupted

  constructor() {
    super('Cancelled by `ag cancel`.')
  }
}

/** A wait that ended without an idle server; the exit code says why. */
export class NotIdleError extends AgError {
  override readonly name: string = 'NotIdleError'
  override readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode, next: string | undefined) {
    super(message, {next})
    this.exitCode = exitCode
  }
}

/** The system error code (`ENOSPC`, `ECONNREFUSED`, ...) of an error or of what caused it. */
export function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at && depth < 8; depth++) {
    const code = (at as {code?: unknown}).code
    if (typeof code === 'string') return code
    const nested = at as {cause?: unknown; errors?: unknown[]}
    at = nested.cause ?? nested.errors?.[0]
  }
  return undefined
}

/** The `StorageError` for a failed write to `path`: says what the system's code means and what to do about it. */
export function storageError(path: string, error: unknown): StorageError {
  const code = systemCode(error) ?? ''
  const [reason, next] = REASONS[code] ?? [code || String(error), 'Check the folder and try again.']
  return new StorageError(`Cannot write ${path}: ${reason}.`, {next, cause: error})
}

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ['the disk is full', 'Make room and run the same command again.'],
  EDQUOT: ['the disk quota is used up', 'Make room and run the same command again.'],
  EFBIG: ['the file would be larger than this process may write', 'Raise the limit (ulimit -f) and run it again.'],
  EROFS: ['the file system is read-only', 'Choose a folder that can be written.'],
  EACCES: ['permission denied', 'Choose a folder that can be written, or change its permissions.'],
  EPERM: ['the operation is not permitted', 'Choose a folder that can be written, or change its permissions.'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'Move that file, or choose another output path.'],
  ENOENT: ['there is no such folder', 'Make the folder, or choose another path.'],
  EISDIR: ['there is a folder of that name', 'Move that folder, or choose another output path.'],
}
