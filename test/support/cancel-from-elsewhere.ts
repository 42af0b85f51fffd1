import {type CancelOptions, type CancelResult, cancel} from '../../src/cancel.ts'
import {type Clock, systemClock} from '../../src/clock.ts'
import {SwarmServer} from '../../src/server/swarmui/client.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'
import type {Rehearsal} from './context.ts'

/** Cancels as another terminal would: with its own connection and its own view of the workspace. */
export async function cancelFromElsewhere(
  at: Rehearsal,
  options: Partial<CancelOptions> = {},
  {clock = systemClock, url = at.mock.url}: {readonly clock?: Clock; readonly url?: string} = {},
): Promise<CancelResult> {
  const server = new SwarmServer(url)
  const place = resolveWorkspace({stateDir: at.folder, stateFile: undefined})
  const sessions = openWorkspace({...place, clock: systemClock, command: 'test cancel'})
  const context = {...at.context, server, sessions, clock}
  try {
    return await cancel(context, {sessions: [], all: false, user: false, timeoutMs: 5000, ...options})
  } finally {
    await sessions.close()
    await server.close()
  }
}
