import {isSessionId} from '../session/history-line.ts'
import {foreignLine} from '../text.ts'
import type {Act} from './act.ts'
import type {Case} from './case.ts'
import type {RecoveryVerdict, Witnesses} from './verdict.ts'

/** What recovery found out about one session, and did about it. */
export interface RecoveredSession {
  readonly session: string
  readonly asset: string
  readonly run: string
  /** Row of the truth table (docs/recovery.md). */
  readonly row: number
  readonly state: RecoveryVerdict['state']
  readonly reason: string
  readonly message: string
  /** What was known of it when it was judged. */
  readonly evidence: RecoveryEvidence
  readonly action: RecoveryVerdict['action']
  /** `planned` in a dry run; `open` where only time or the server can help; `taken` by a process that was faster. */
  readonly outcome: 'planned' | 'done' | 'taken' | 'open' | 'failed'
  /** It may be made again without being asked for twice. */
  readonly retryable: boolean
  readonly flags?: readonly string[]
  /** Relative to the workspace: the picture; or where something unreadable was put. */
  readonly path?: string
}

/** What is known of a session, in the words of docs/recovery.md. */
export interface RecoveryEvidence {
  readonly history: Witnesses['history']
  readonly snapshot: Witnesses['snapshot']
  readonly outputs: Witnesses['outputs']
  readonly owner: Witnesses['owner']
  readonly submission: Witnesses['submission']
  readonly server: Witnesses['server']
  readonly stop_asked: boolean
  readonly age: Witnesses['age']
}

/** A case as it is told: `planned` says that it was only judged. */
export function describe(
  one: Case,
  verdict: RecoveryVerdict,
  act: Act | undefined,
  planned: boolean,
): RecoveredSession {
  const {row, state, reason, because, action, retryable, flags} = verdict
  const {stopAsked, ...evidence} = verdict.evidence
  // What is named like a session has nothing in its name that could harm; a damaged file may be called anything.
  const name = isSessionId(one.id) ? one.id : foreignLine(one.id, 150)
  const newer = one.session?.unsupported ? 'it was written by a newer ag' : undefined
  return {
    session: name,
    asset: one.session ? foreignLine(one.session.asset, 100) : name,
    run: one.session ? foreignLine(one.session.run, 100) : '',
    row,
    state: act?.state ?? state,
    reason: act?.reason ?? reason,
    message: act?.message ?? newer ?? one.note ?? because,
    evidence: {...evidence, stop_asked: stopAsked},
    action,
    outcome: act?.outcome ?? (planned ? 'planned' : 'open'),
    retryable,
    ...(flags.length > 0 ? {flags} : {}),
    ...(act?.path === undefined ? {} : {path: act.path}),
  }
}
