import {type CancelResult, cancel} from '../cancel.ts'
import {systemClock} from '../clock.ts'
import {openWorkspace, resolveWorkspace} from '../store/workspace.ts'
import {connect} from './connect.ts'
import {parseDuration} from './duration.ts'
import type {ServerFlags, StateFlags} from './flags.ts'
import {interruptible} from './interruption.ts'
import {silent} from './progress.ts'

interface CancelFlags extends ServerFlags, StateFlags {
  readonly run: string | undefined
  readonly all: boolean
  readonly user: boolean
  readonly timeout: string
}

/** Cancels what the flags and the named sessions say, from another process or terminal than the one that generates. */
export async function runCancel(names: readonly string[], flags: CancelFlags): Promise<CancelResult> {
  const {signal, release} = interruptible()
  const timeoutMs = parseDuration(flags.timeout)
  const workspace = resolveWorkspace({stateDir: flags['state-dir'], stateFile: flags['state-file']})
  const sessions = openWorkspace({...workspace, clock: systemClock, command: 'ag cancel'})
  await using connection = await connect(flags)
  const {report} = silent(process.stderr)
  try {
    const {run, all, user} = flags
    return await cancel(
      {server: connection.server, sessions, clock: systemClock, signal, report},
      {sessions: names, ...(run === undefined ? {} : {run}), all, user, timeoutMs},
    )
  } finally {
    await sessions.close()
    release()
  }
}

/** What was cancelled, a line each. */
export function cancelSummary({sessions, user, server}: CancelResult): string {
  const lines = sessions.map(({session, message}) => `${session} ${message}.`)
  if (user !== undefined) lines.unshift(`Everything of the user "${user}" on ${server} was asked to stop.`)
  return lines.join('\n') || 'Nothing of this workspace is active.'
}
