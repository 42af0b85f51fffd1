import type {ActivitySample, ImageServer, UnknownActivity} from '../server/image-server.ts'
import type {SessionStore} from '../store/session-store.ts'
import {ownWork} from './own-work.ts'
import {conclude, type Evidence, fromLoading, type Idleness, judgeServer, type Verdict} from './verdict.ts'

/** Whose work counts. `auto` is `server` that looks at its own work, too, where it may not see the server's. */
export type Scope = 'server' | 'own' | 'auto'

/** What must be free for a server to count as idle. */
export interface WhatCounts {
  readonly scope: Scope
  /** How many pictures may wait or run all the same. */
  readonly maxQueue: number
  /** How many backends must be up. */
  readonly requireBackends: number
}

/** What one server was found to be at the last look. */
export type ServerState =
  /** The verdict is known and the server could make a picture. */
  | 'idle'
  | 'busy'
  /** It answers, but not what we need to know; that may pass. */
  | 'unknown'
  | 'unreachable'
  /** Quiet, but it could not make a picture. */
  | 'unusable'
  /** It will not tell this identity; that does not pass. */
  | 'denied'

export interface Found {
  readonly state: ServerState
  readonly idleness: Idleness
  readonly reason: string
  readonly next?: string
  readonly evidence: readonly Evidence[]
  /** How many pictures wait or run, where that is known. */
  readonly queue?: number
}

interface FindContext {
  readonly server: ImageServer
  readonly sessions: SessionStore
  readonly signal: AbortSignal
}

/** A server that takes longer for one answer counts as away. */
export const ANSWER_WITHIN_MS = 10_000

/**
 * Looks at a server once and judges what it says, by the work that counts. A server that will not tell us what we need to
 * know is a finding, too. Throws what the server's answers throw.
 */
export async function find(context: FindContext, what: WhatCounts): Promise<Found> {
  const {server, signal} = context
  const {scope, maxQueue} = what
  // A queue that may stay tells nothing of the backends that would work on it.
  const thorough = what.requireBackends > 1 || maxQueue > 0
  if (scope === 'own') {
    const sample = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS, own: true, thorough})
    const own = conclude([...(await ownWork(context)), ...fromLoading(sample)])
    return judge(own, sample, what)
  }
  const sample = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS, thorough})
  const verdict = judgeServer(sample, maxQueue)
  const {activityUnknown: unknown} = sample
  if (unknown && unknown.because !== 'other') return denied(unknown, verdict, context, scope)
  return judge(verdict, sample, what)
}

/** The server will not tell us what others do; `auto` says what could be seen all the same. */
async function denied(unknown: UnknownActivity, verdict: Verdict, context: FindContext, scope: Scope): Promise<Found> {
  const reason = `what others do there is not known: ${unknown.message}`
  const remedy =
    unknown.because === 'permission'
      ? 'Ask the owner of the server for the permission read_server_info_panels.'
      : 'Update the server.'
  const refusal = {state: 'denied', next: remedy} as const
  if (scope !== 'auto') return {...refusal, ...verdict, reason}
  const own = conclude(await ownWork(context))
  const busy = [verdict, own].find(({idleness}) => idleness === 'busy')
  return {
    ...refusal,
    idleness: busy ? 'busy' : 'unknown',
    reason: `${reason}; what can be seen: ${(busy ?? own).reason}`,
    evidence: [...verdict.evidence, ...own.evidence],
  }
}

function judge(verdict: Verdict, sample: ActivitySample, what: WhatCounts): Found {
  const queue = sample.activity ? {queue: sample.activity.waitingGens} : {}
  if (verdict.idleness !== 'idle') return {state: verdict.idleness, ...verdict, ...queue}
  const {usable, note} = sample.readiness
  if (!usable) return {state: 'unusable', ...verdict, ...queue, reason: note ?? 'it could not make a picture'}
  const evidence = note
    ? [...verdict.evidence, {source: 'backend_status', says: 'unknown' as const, detail: note}]
    : verdict.evidence
  return judgeBackends(verdict, sample, what) ?? {state: 'idle', ...verdict, ...queue, evidence}
}

function judgeBackends(verdict: Verdict, sample: ActivitySample, what: WhatCounts): Found | undefined {
  const {backends, backendsDenied} = sample
  const wanted = what.requireBackends
  if (wanted <= 1) return undefined
  if (!backends && !backendsDenied) {
    return {...verdict, state: 'unknown', idleness: 'unknown', reason: 'how many backends are up was not told'}
  }
  if (!backends) {
    return {
      ...verdict,
      state: 'denied',
      idleness: 'unknown',
      reason: 'how many backends are up is not known: this user lacks the permission view_backends_list',
      next: 'Ask the owner of the server for the permission, or leave out --require-backends.',
    }
  }
  const up = backends.filter(({enabled, status}) => enabled && status === 'running').length
  return up >= wanted
    ? undefined
    : {...verdict, state: 'unusable', reason: `${up} of ${wanted} required backends are up`}
}
