import {AgError, CancelledError, DeniedError, StorageError, UnreachableError} from './errors.ts'
import {redact} from './secrets.ts'
import {GenerationError} from './server/image-server.ts'
import {foreignLine} from './text.ts'

/** How a session ends that did not lead to a picture. */
export interface Ending {
  readonly state: 'failed' | 'cancelled' | 'lost'
  readonly reason: string
  readonly message: string
  readonly next?: string | undefined
}

/** What an error means for the session it ended; once we are interrupted, it is a cancel whatever came first. */
export function endingOf(error: unknown, signal: AbortSignal): Ending {
  const message = messageOf(error)
  const next = error instanceof AgError ? error.next : undefined
  if (signal.aborted) return {state: 'cancelled', reason: 'interrupted', message: messageOf(signal.reason)}
  if (error instanceof CancelledError) return {state: 'cancelled', reason: 'cancelled', message}
  if (!(error instanceof GenerationError)) {
    return {state: 'failed', reason: error instanceof UnreachableError ? 'unreachable' : 'error', message, next}
  }
  if (error.fault === 'interrupted') return {state: 'cancelled', reason: 'interrupted', message, next}
  if (error.fault === 'lost') return {state: 'lost', reason: 'lost', message, next}
  return {state: 'failed', reason: error.fault, message, next}
}

/** An error's message for people and histories. */
export function messageOf(error: unknown): string {
  return redact(foreignLine(error instanceof Error ? error.message : String(error), 500))
}

/** Whether no other asset could fare better: the server is away or denies us, the disk refuses. */
export function stopsTheRun(error: unknown): error is AgError {
  return error instanceof UnreachableError || error instanceof DeniedError || error instanceof StorageError
}
