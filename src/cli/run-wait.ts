import {systemClock} from '../clock.ts'
import {UsageError} from '../errors.ts'
import {openWorkspace, resolveWorkspace} from '../store/workspace.ts'
import {type WaitResult, waitIdle} from '../wait-idle.ts'
import {connect} from './connect.ts'
import type {ServerFlags, StateFlags} from './flags.ts'
import {type GateFlags, waitOptions} from './gate-flags.ts'
import {interruptible} from './interruption.ts'
import {chooseProgress} from './progress.ts'

interface WaitFlags extends Omit<ServerFlags, 'server'>, StateFlags, GateFlags {
  /** From the environment it is one text. */
  readonly server: string | string[]
  readonly events: boolean
  readonly quiet: boolean
}

/** Waits as the flags say, with progress and signals. Writes nothing to the workspace. */
export async function runWait(flags: WaitFlags, {json}: {readonly json: boolean}): Promise<WaitResult> {
  const names = [
    ...new Set(
      [flags.server]
        .flat()
        .flatMap((text) => text.split(/\s+/))
        .filter(Boolean),
    ),
  ]
  if (names.length === 0) throw new UsageError('No server is named.', {next: 'Give one with --server (AG_SERVER).'})
  const options = waitOptions(flags, names.length)
  const {signal, release} = interruptible()
  const workspace = resolveWorkspace({stateDir: flags['state-dir'], stateFile: flags['state-file']})
  const sessions = openWorkspace({...workspace, clock: systemClock, command: 'ag wait-idle', readOnly: true})
  const progress = await chooseProgress(flags, json)
  await using connections = new AsyncDisposableStack()
  try {
    const servers = []
    for (const server of names) servers.push(connections.use(await connect({...flags, server})).server)
    return await waitIdle({servers, sessions, clock: systemClock, signal, report: progress.report}, options)
  } finally {
    progress.close()
    release()
  }
}

/** The last word of a wait, for people. */
export function waitSummary({open, verdict, servers, waited_seconds: waited}: WaitResult): string {
  const named = servers.filter((server) => !open || server.verdict === verdict).map(({server}) => server)
  const looks = Math.max(...servers.map((server) => server.looks))
  const seen = `seen in ${looks} ${looks === 1 ? 'look' : 'looks'}, after ${waited.toFixed(1)} s`
  return open ? `${named.join(', ')} ${named.length === 1 ? 'is' : 'are'} ${verdict} (${seen}).` : ''
}
