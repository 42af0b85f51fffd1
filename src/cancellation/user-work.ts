import type {Context} from '../context.ts'
import type {Deadline} from '../deadline.ts'
import {foreignLine} from '../text.ts'

const LOOK_AGAIN_MS = 150
const INTERRUPT_AGAIN_MS = 1000
const ANSWER_WITHIN_MS = 10_000
/** One answer that tells nothing may be an accident. */
const UNKNOWN_FOR_MS = 3000

/** What became of all that a user had a server do. */
export interface UserOutcome {
  readonly user: string
  /** `unknown` where the server does not tell this user. */
  readonly outcome: 'ended' | 'running' | 'unknown'
  readonly message: string
}

/**
 * Stops everything of our user, again and again, until the server says that nothing of it is left, where it tells us; for whoever
 * sent it may go on sending. Throws what keeps us from asking the server.
 */
export async function stopUser(context: Context, {signal, passed}: Deadline): Promise<UserOutcome> {
  const {server, report} = context
  const user = foreignLine(await server.userId(signal), 60)
  const message = `Stopping everything of the user "${user}" on ${server.address}, from whatever tab, script or machine. On a server without accounts that is everybody.`
  report({event: 'notice', message})
  try {
    return (await isQuiet(context, user, signal))
      ? {user, outcome: 'ended', message: 'has stopped'}
      : {user, outcome: 'unknown', message: 'was asked to stop; whether it has is not known: the server does not tell'}
  } catch (error) {
    if (!passed()) throw error
    return {user, outcome: 'running', message: 'has not stopped in time'}
  }
}

/** Interrupts until nothing is left. False where the server does not tell whose work it does. */
async function isQuiet({server, clock}: Context, user: string, signal: AbortSignal): Promise<boolean> {
  let interruptedAt = Number.NEGATIVE_INFINITY
  let knownAt = clock.monotonic()
  let unknown = 0
  for (;;) {
    if (clock.monotonic() - interruptedAt >= INTERRUPT_AGAIN_MS) {
      interruptedAt = clock.monotonic()
      await server.interruptUser(signal)
    }
    const {activity, busyUsers} = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS})
    if (activity?.waitingGens === 0 || busyUsers?.every((busy) => busy.user !== user)) return true
    unknown = busyUsers ? 0 : unknown + 1
    if (busyUsers) knownAt = clock.monotonic()
    if (unknown > 1 && clock.monotonic() - knownAt >= UNKNOWN_FOR_MS) return false
    await clock.sleep(LOOK_AGAIN_MS, signal)
  }
}
