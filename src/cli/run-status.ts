import {systemClock} from '../clock.ts'
import {type StatusResult, status} from '../status.ts'
import {openWorkspace, resolveWorkspace} from '../store/workspace.ts'
import {connect} from './connect.ts'
import {parseDuration} from './duration.ts'
import type {ServerFlags, StateFlags} from './flags.ts'
import {interruptible} from './interruption.ts'

interface StatusFlags extends ServerFlags, StateFlags {
  readonly watch: boolean
  readonly interval: string
}

/** Asks once, or with `--watch` until Ctrl-C, and shows each answer; returns the last. Writes nothing to the workspace. */
export async function runStatus(
  flags: StatusFlags,
  show: (result: StatusResult) => Promise<void> | void,
): Promise<StatusResult> {
  const intervalMs = parseDuration(flags.interval)
  const {signal, release} = interruptible()
  const workspace = resolveWorkspace({stateDir: flags['state-dir'], stateFile: flags['state-file']})
  const sessions = openWorkspace({...workspace, clock: systemClock, command: 'ag status', readOnly: true})
  await using connection = await connect(flags, {reuseSession: true})
  const context = {server: connection.server, sessions, clock: systemClock, signal, report: () => {}}
  try {
    for (let result = await status(context); ; result = await status(context)) {
      await show(result)
      if (!flags.watch) return result
      await systemClock.sleep(intervalMs, signal).catch(() => {})
      // Ctrl-C is how one leaves a watch, not a failure.
      if (signal.aborted) return result
    }
  } finally {
    await sessions.close()
    release()
  }
}
