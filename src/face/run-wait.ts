import {systemClock} from '../clock.ts'
import {UsageError} from '../errors.ts'
import {type WaitResult, waitIdle} from '../wait-idle.ts'
import type {Conduct} from './conduct.ts'
import {type Connection, connect} from './connect.ts'
import {type GateSettings, waitOptions} from './gate.ts'
import type {ServerSettings, StateSettings} from './settings.ts'
import {openHistories} from './workspace.ts'

export interface WaitSettings extends Omit<ServerSettings, 'server'>, StateSettings, GateSettings {
  /** From the environment it is one text. */
  readonly server: string | string[]
}

/** Waits as the settings say. Writes nothing to the workspace. */
export async function runWait(settings: WaitSettings, {signal, report}: Conduct): Promise<WaitResult> {
  const names = [
    ...new Set(
      [settings.server]
        .flat()
        .flatMap((text) => text.split(/\s+/))
        .filter(Boolean),
    ),
  ]
  if (names.length === 0) throw new UsageError('No server is named.', {next: 'Give one with --server (AG_SERVER).'})
  const options = waitOptions(settings, names.length)
  const sessions = openHistories(settings, {command: 'ag wait-idle', readOnly: true})
  const connections: Connection[] = []
  try {
    for (const server of names) connections.push(await connect({...settings, server}))
    const servers = connections.map(({server}) => server)
    return await waitIdle({servers, sessions, clock: systemClock, signal, report}, options)
  } finally {
    await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()))
  }
}

/** The last word of a wait, for people. */
export function waitSummary({open, verdict, servers, waited_seconds: waited}: WaitResult): string {
  const named = servers.filter((server) => !open || server.verdict === verdict).map(({server}) => server)
  const looks = Math.max(...servers.map((server) => server.looks))
  const seen = `seen in ${looks} ${looks === 1 ? 'look' : 'looks'}, after ${waited.toFixed(1)} s`
  return open ? `${named.join(', ')} ${named.length === 1 ? 'is' : 'are'} ${verdict} (${seen}).` : ''
}
