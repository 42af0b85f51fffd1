import type {Context} from '../context.ts'
import type {Deadline} from '../deadline.ts'
import {foreignLine} from '../text.ts'

const LOOK_AGAIN_MS = 150
const INTERRUPT_AGAIN_MS = 1000
const ANSWER_WITHIN_MS = 10_000

/** What became of all that a user had a server do. */
export interface UserOutcome {
  readonly user: string
  readonly outcome: 'ended' | 'running'
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
    await untilQuiet(context, user, signal)
    return {user, outcome: 'ended', message: 'was asked to stop'}
  } catch (error) {
    if (!passed()) throw error
    return {user, outcome: 'running', message: 'has not stopped in time'}
  }
}

async function untilQuiet({server, clock, report}: Context, user: string, signal: AbortSignal): Promise<void> {
  for (let interruptedAt = Number.NEGATIVE_INFINITY; ; await clock.sleep(LOOK_AGAIN_MS, signal)) {
    if (clock.monotonic() - interruptedAt >= INTERRUPT_AGAIN_MS) {
      interruptedAt = clock.monotonic()
      await server.interruptUser(signal)
    }
    const {activity, activityUnknown, busyUsers} = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS})
    if (activity?.waitingGens === 0) return
    if (!busyUsers) {
      const why = activityUnknown?.message ?? 'the server does not tell whose work it does'
      report({event: 'notice', message: `Whether all of it has stopped is not known: ${why}.`})
      return
    }
    if (!busyUsers.some((busy) => busy.user === user)) return
  }
}
