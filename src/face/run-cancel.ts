import {type CancelResult, cancel} from '../cancel.ts'
import {outcomeLine} from '../cancellation/outcome.ts'
import {systemClock} from '../clock.ts'
import type {CancelSettings} from './cancel-settings.ts'
import type {Conduct} from './conduct.ts'
import {connect} from './connect.ts'
import {parseDuration} from './duration.ts'
import {openHistories} from './workspace.ts'

/** Cancels what the settings and the named sessions say, from another process or terminal than the one that generates. */
export async function runCancel(
  names: readonly string[],
  settings: CancelSettings,
  {signal, report}: Conduct,
): Promise<CancelResult> {
  const timeoutMs = parseDuration(settings.timeout)
  const sessions = openHistories(settings, {command: 'ag cancel'})
  await using connection = await connect(settings)
  try {
    const {run, all, user} = settings
    return await cancel(
      {server: connection.server, sessions, clock: systemClock, signal, report},
      {sessions: names, ...(run === undefined ? {} : {run}), all, user, timeoutMs},
    )
  } finally {
    await sessions.close()
  }
}

/** What was cancelled, a line each. */
export function cancelSummary({sessions, runs, user, server}: CancelResult): string {
  const lines = [...sessions, ...runs].map(outcomeLine)
  if (user !== undefined) lines.unshift(`Everything of the user "${user}" on ${server} was asked to stop.`)
  return lines.join('\n') || 'Nothing of this workspace is active.'
}
