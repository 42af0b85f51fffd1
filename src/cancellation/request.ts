import type {Context} from '../context.ts'
import {CancelledError} from '../errors.ts'
import {GenerationError} from '../server/image-server.ts'
import {isSettled} from '../session/history-line.ts'
import type {Attendance} from '../store/session-store.ts'

/*
 * The generating side of `ag cancel`: how a picture on its way finds out that it is to stop, or that it was stopped by mistake.
 */

/** What an interrupted generation looks like from here; one that was still queued vanishes without a word (recording 07). */
const LIKE_INTERRUPTED: ReadonlySet<string> = new Set(['interrupted', 'empty'])

/** Stopped on the server because another session of this process was cancelled: the two share one SwarmUI session. */
export class CollateralError extends GenerationError {
  constructor(cause: GenerationError) {
    super('interrupted', 'Stopped together with another session of its run.', {cause})
  }
}

/** Throws `CancelledError` when somebody asked this session, or all that this process does at its run, to stop. */
export async function refuseIfCancelled(attendance: Attendance, session: string): Promise<void> {
  if (await attendance.cancelRequested()) throw new CancelledError()
  if ((await attendance.sessionsToCancel()).has(session)) throw new CancelledError()
}

const LOOK_AGAIN_MS = 500

/**
 * A signal that aborts with a `CancelledError` once somebody asks this process to stop all of its run, or as the context's does.
 * Dispose of it to stop looking.
 */
export function stoppedByCancel(
  {clock, signal}: Context,
  attendance: Attendance,
): {readonly signal: AbortSignal} & Disposable {
  const cancelled = new AbortController()
  const enough = new AbortController()
  const look = async (): Promise<void> => {
    while (!(await attendance.cancelRequested())) await clock.sleep(LOOK_AGAIN_MS, enough.signal)
    cancelled.abort(new CancelledError())
  }
  // After `enough` nobody listens any more.
  look().catch((error: unknown) => cancelled.abort(error))
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
  {attendance, session, sentAt}: {readonly attendance: Attendance; readonly session: string; readonly sentAt: number},
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof GenerationError) || !LIKE_INTERRUPTED.has(error.fault)) return error
  await refuseIfCancelled(attendance, session)
  return (await wasInterruptedSince(context, attendance, sentAt)) ? new CollateralError(error) : error
}

/** Whether a cancelled session of this process was still being stopped at that time; one that was over excuses nothing. */
async function wasInterruptedSince({sessions}: Context, attendance: Attendance, since: number): Promise<boolean> {
  const requests = await attendance.sessionsToCancel()
  const cancelled = await Promise.all([...requests].map((id) => sessions.get(id)))
  return cancelled.some(
    (session) => session && (!isSettled(session) || Date.parse(session.updatedAt) + LAST_INTERRUPT_MS >= since),
  )
}
