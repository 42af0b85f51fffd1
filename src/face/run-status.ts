import {systemClock} from '../clock.ts'
import {type StatusResult, status} from '../status.ts'
import type {Conduct} from './conduct.ts'
import {connect} from './connect.ts'
import type {ServerSettings, StateSettings} from './settings.ts'
import {openHistories} from './workspace.ts'

interface StatusRun extends Conduct {
  /** Milliseconds between looks; without, there is one look. */
  readonly againMs?: number
  /** Ends looking again and again, between two looks. */
  readonly leave?: AbortSignal
  /** Is given each answer. */
  readonly show: (result: StatusResult) => Promise<void> | void
  /** Use the SwarmUI session that an earlier command left, and leave one. */
  readonly reuseSession?: boolean
}

/** Asks once, or again and again until it is interrupted; returns the last answer. Writes nothing to the workspace. */
export async function runStatus(
  settings: ServerSettings & StateSettings,
  {signal, report, show, againMs, leave = new AbortController().signal, reuseSession = false}: StatusRun,
): Promise<StatusResult> {
  const sessions = openHistories(settings, {command: 'ag status', readOnly: true})
  await using connection = await connect(settings, {reuseSession})
  const context = {server: connection.server, sessions, clock: systemClock, signal, report}
  try {
    for (let result = await status(context); ; result = await status(context)) {
      await show(result)
      if (againMs === undefined) return result
      await systemClock.sleep(againMs, AbortSignal.any([signal, leave])).catch(() => {})
      // Ctrl-C is how one leaves a watch, not a failure.
      if (signal.aborted || leave.aborted) return result
    }
  } finally {
    await sessions.close()
  }
}
