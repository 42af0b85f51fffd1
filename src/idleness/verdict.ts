import type {ActivityCounters, ActivitySample} from '../server/image-server.ts'
import {foreignLine} from '../text.ts'

/** What we conclude of a server. `unknown` is an answer: that nobody could tell us. */
export type Idleness = 'idle' | 'busy' | 'unknown'

/** One observation and what it says by itself. */
export interface Evidence {
  /** Where it comes from: a route of the server, or this workspace. */
  readonly source: string
  readonly says: Idleness
  /** For people. */
  readonly detail: string
}

export interface Verdict {
  readonly idleness: Idleness
  /** What decided: half a sentence for people. */
  readonly reason: string
  readonly evidence: readonly Evidence[]
}

/**
 * What a sample says of the whole server. Anything that is busy makes it busy; without the counters of all users the rest
 * cannot make it idle. A softer gate lets `maxQueue` pictures wait or run.
 */
export function judgeServer(sample: ActivitySample, maxQueue = 0): Verdict {
  const queues = fromQueues(sample, maxQueue)
  const verdict = conclude([fromCounters(sample, maxQueue), ...fromLoading(sample), ...queues])
  // A queue that we may see, and that does not answer, may be too busy to.
  const silent = queues.find(({says}) => says === 'unknown')
  return verdict.idleness === 'idle' && silent ? {...verdict, idleness: 'unknown', reason: silent.detail} : verdict
}

/** What evidence comes to: the first that is busy, else what the first says: it is the one that counts. */
export function conclude(evidence: readonly [Evidence, ...Evidence[]]): Verdict {
  const {says, detail} = evidence.find((one) => one.says === 'busy') ?? evidence[0]
  return {idleness: says, reason: detail, evidence}
}

/** The counters as people read them. */
export function describeCounters({waitingGens, loadingModels, waitingBackends, liveGens}: ActivityCounters): string {
  const parts = [
    waitingGens > 0 ? `${count(waitingGens, 'picture')} waiting or running` : '',
    liveGens > 0 ? `${liveGens} at a backend` : '',
    waitingBackends > 0 ? `${waitingBackends} waiting for a backend` : '',
    loadingModels > 0 ? `${count(loadingModels, 'model load')}` : '',
  ].filter(Boolean)
  return parts.join(', ') || 'nothing waits, runs or loads'
}

function fromCounters({activity, activityUnknown, busyUsers = []}: ActivitySample, maxQueue: number): Evidence {
  const source = 'GetGlobalStatus'
  if (!activity) return {source, says: 'unknown', detail: activityUnknown?.message ?? 'the server does not tell'}
  const users = busyUsers.map(({user, waitingGens}) => `${foreignLine(user, 60)} ${waitingGens}`).join(', ')
  const detail = describeCounters(activity) + (users ? ` (${users})` : '')
  return {source, says: isBusy(activity, maxQueue) ? 'busy' : 'idle', detail}
}

function isBusy({waitingGens, loadingModels, waitingBackends, liveGens}: ActivityCounters, maxQueue: number): boolean {
  if (maxQueue > 0) return Math.max(waitingGens, liveGens, waitingBackends, loadingModels) > maxQueue
  return waitingGens > 0 || loadingModels > 0 || waitingBackends > 0 || liveGens > 0
}

/** Right after a start all counters are 0 while the backends load (recording 18). */
export function fromLoading({backendStatus: {status, loading}}: ActivitySample): Evidence[] {
  if (!loading && status !== 'loading' && status !== 'some_loading') return []
  return [{source: 'backend_status', says: 'busy', detail: 'backends are loading'}]
}

function fromQueues({queues = []}: ActivitySample, maxQueue: number): Evidence[] {
  return queues.map(({backend, entries}) => {
    const source = `ComfyUI queue behind backend ${backend}`
    if (!entries) return {source, says: 'unknown', detail: `${source} did not answer`}
    const {running, pending} = entries
    const work = running + pending
    const detail = work > 0 ? `${source}: ${running} running, ${pending} pending` : `${source} is empty`
    return {source, says: work > maxQueue ? 'busy' : 'idle', detail}
  })
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`
}
