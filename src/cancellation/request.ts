import type {Context} from '../context.ts'
import {CancelledError} from '../errors.ts'
import {GenerationError} from '../server/image-server.ts'
import {isSettled} from '../session/history-line.ts'

/*
 * The generating side of `ag cancel`: how a picture on its way finds out that it is to stop, or that it was stopped by mistake.
 */

/** What an interrupted generation looks like from here; one that was still queued vanishes without a word (recording 07). */
const LIKE_INTERRUPTED: ReadonlySet<string> = new Set(['interrupted', 'empty'])

/** Stopped on the server because another session of its run was cancelled: the two share one SwarmUI session. */
export class CollateralError extends GenerationError {
  constructor(cause: GenerationError) {
    super('interrupted', 'Stopped together with another session of its run.', {cause})
  }
}

/** Throws `CancelledError` when somebody asked this session or its whole run to stop. */
export async function refuseIfCancelled({sessions}: Context, run: string, session: string): Promise<void> {
  const requests = await sessions.runs.cancelRequests(run)
  if (requests.wholeRun || requests.sessions.has(session)) throw new CancelledError()
}

const LOOK_AGAIN_MS = 500

/** A signal that aborts with a `CancelledError` once somebody asks a whole run to stop, or as the context's does. Dispose of it to stop looking. */
export function stoppedByCancel(
  {sessions, clock, signal}: Context,
  run: string,
): {readonly signal: AbortSignal} & Disposable {
  const cancelled = new AbortController()
  const enough = new AbortController()
  const look = async (): Promise<void> => {
    while (!(await sessions.runs.cancelRequests(run)).wholeRun) await clock.sleep(LOOK_AGAIN_MS, enough.signal)
    cancelled.abort(new CancelledError())
  }
  // Rejects only when it is stopped.
  look().catch(() => {})
  return {signal: AbortSignal.any([signal, cancelled.signal]), [Symbol.dispose]: () => enough.abort()}
}

/** `ag cancel` interrupts until it has seen the session settled; its last interrupt may come this long after that. */
const LAST_INTERRUPT_MS = 2000

/**
 * What the error of a generation that was sent at `sentAt` (wall clock) means: as it is, or a `CollateralError` for one that
 * was stopped on the server without being meant. Throws `CancelledError` for one that was.
 */
export async function judgeInterruption(
  context: Context,
  {run, session, sentAt}: {readonly run: string; readonly session: string; readonly sentAt: number},
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof GenerationError) || !LIKE_INTERRUPTED.has(error.fault)) return error
  await refuseIfCancelled(context, run, session)
  return (await wasInterruptedSince(context, run, sentAt)) ? new CollateralError(error) : error
}

/** Whether a cancelled session of the run was still being stopped at that time; one that was over excuses nothing. */
async function wasInterruptedSince({sessions}: Context, run: string, since: number): Promise<boolean> {
  const requests = await sessions.runs.cancelRequests(run)
  const cancelled = await Promise.all([...requests.sessions].map((id) => sessions.get(id)))
  return cancelled.some(
    (session) => session && (!isSettled(session) || Date.parse(session.updatedAt) + LAST_INTERRUPT_MS >= since),
  )
}
