import type {ImageServer} from '../server/image-server.ts'
import type {OwnedSession, SessionStore} from '../store/session-store.ts'
import {foreignLine} from '../text.ts'
import {describeCounters, type Evidence} from './verdict.ts'

interface OwnWorkContext {
  readonly server: ImageServer
  readonly sessions: SessionStore
  readonly signal: AbortSignal
}

/**
 * What this workspace has this server do: its sessions whose process lives, and what the server still works on for those
 * whose process died. Blind to everybody else, and to sessions that another machine left in the workspace.
 */
export async function ownWork({server, sessions, signal}: OwnWorkContext): Promise<readonly [Evidence, ...Evidence[]]> {
  const ours: OwnedSession[] = []
  for (const session of await sessions.list({active: true})) {
    const request = await sessions.request(session.id)
    if (request === undefined || request.server === server.address) ours.push(session)
  }
  const evidence: [Evidence, ...Evidence[]] = [summary(ours), ...ours.map(fromSession)]
  for (const run of new Set(ours.filter(({ownerStanding}) => ownerStanding === 'dead').map(({run}) => run))) {
    for (const credential of (await sessions.runs.credentials(run)).values()) {
      if (credential.server === server.address) evidence.push(await fromRun(server, run, credential.secret, signal))
    }
  }
  return evidence
}

function summary(ours: readonly OwnedSession[]): Evidence {
  const alive = ours.filter(({ownerStanding}) => ownerStanding !== 'dead' && ownerStanding !== 'foreign').length
  const source = 'workspace'
  if (alive === 0) return {source, says: 'idle', detail: 'no generation of this workspace is active'}
  return {source, says: 'busy', detail: `${alive} ${alive === 1 ? 'generation' : 'generations'} of this workspace`}
}

function fromSession({id, ownerStanding, progress}: OwnedSession): Evidence {
  const source = 'workspace'
  const name = foreignLine(id, 100)
  if (ownerStanding === 'dead') return {source, says: 'idle', detail: `${name} was left by a process that died`}
  if (ownerStanding === 'foreign') return {source, says: 'unknown', detail: `${name} belongs to another machine`}
  return {source, says: 'busy', detail: `${name} is at ${Math.round(progress * 100)} %`}
}

async function fromRun(server: ImageServer, run: string, credential: string, signal: AbortSignal): Promise<Evidence> {
  const source = 'GetCurrentStatus'
  const counters = await server.workOf(credential, signal)
  if (counters && Object.values(counters).some((count) => count > 0)) {
    return {
      source,
      says: 'busy',
      detail: `the dead run ${foreignLine(run, 60)} still has ${describeCounters(counters)}`,
    }
  }
  return {source, says: 'idle', detail: `nothing is left of the dead run ${foreignLine(run, 60)}`}
}
