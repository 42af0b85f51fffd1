import type {OwnerStanding} from '../session/session.ts'

/** Everything that is known of one session when it is judged. */
export interface Witnesses {
  /** Our own history of it. `bad`: there is a file, but no valid line in it. */
  readonly history: 'none' | 'active' | 'completed' | 'failed' | 'bad'
  /** `session_state.json` beside its outputs: another generator's word, or our own view. */
  readonly snapshot: 'none' | 'active' | 'completed' | 'failed' | 'bad'
  /**
   * Files on disk. `complete`: they are what the history recorded, or what the file rule asks for; `unseen`: nobody looked,
   * because it does not matter.
   */
  readonly outputs: 'none' | 'partial' | 'complete' | 'unseen'
  /** The process that writes the history. */
  readonly owner: OwnerStanding
  /** How far the request got: `intent` was written before it was sent, `ack` when the server had taken it. */
  readonly submission: 'none' | 'intent' | 'ack'
  /** What the server says of it. `unknown`: it may be running among other work. */
  readonly server: 'unasked' | 'picture' | 'running' | 'gone' | 'unknown'
  /** Somebody asked for it to be stopped. */
  readonly stopAsked: boolean
  /** Time since the last sign of life: the labels of seed 003, and the point at which waiting for news ends (seed 004). */
  readonly age: 'fresh' | 'stale' | 'very_stale' | 'given_up'
}

/** What is to be done about it. */
export type RecoveryAction =
  | 'none'
  /** Write the snapshot anew: it is behind the history. */
  | 'heal'
  | 'ask_server'
  | 'adopt_from_disk'
  | 'adopt_from_server'
  /** Take it over, and wait for the server to finish it. */
  | 'reattach'
  /** Write the terminal event. */
  | 'settle'
  /** Write a history of what somebody else made. */
  | 'import'
  /** Put aside what is unreadable. */
  | 'quarantine'

export interface RecoveryVerdict {
  /** Row of the truth table (docs/recovery.md). */
  readonly row: number
  readonly state:
    | 'completed'
    | 'failed'
    | 'cancelled'
    | 'lost'
    /** Its process lives. */
    | 'live'
    /** The server still works on it. */
    | 'running'
    /** Its process is gone; what became of it is not known yet. */
    | 'orphaned'
    /** Not known, and too early to give up. */
    | 'unverified'
    | 'unknown'
    | 'absent'
  /** For machines: one word. */
  readonly reason: string
  /** For people: half a sentence. */
  readonly because: string
  /** What was known when it was judged. */
  readonly evidence: Witnesses
  readonly action: RecoveryAction
  /** Made again without being asked for twice: nothing of it can be running or finished anywhere. */
  readonly retryable: boolean
  readonly flags: readonly ('outputs_missing' | 'outputs_present')[]
}

type Judged = Omit<RecoveryVerdict, 'evidence' | 'retryable' | 'flags'> &
  Partial<Pick<RecoveryVerdict, 'retryable' | 'flags'>>

/**
 * The truth table: what a session has come to, from everything that is known of it. Total and pure; the first row that
 * matches counts. A settled session stays as it is, a live owner is never touched, nothing is completed without evidence.
 */
export function judgeSession(known: Witnesses): RecoveryVerdict {
  return {evidence: known, retryable: false, flags: [], ...firstRow(known)}
}

function firstRow(known: Witnesses): Judged {
  if (known.history === 'completed' || known.history === 'failed') return settled(known)
  if (known.history === 'active') return active(known)
  return withoutHistory(known)
}

/** Rows 1 and 2. */
function settled({history, snapshot, outputs}: Witnesses): Judged {
  const action = snapshot === 'none' || snapshot === history ? 'none' : 'heal'
  if (history === 'completed') {
    const flags = outputs === 'none' || outputs === 'partial' ? (['outputs_missing'] as const) : []
    return {row: 1, state: 'completed', reason: 'settled', because: 'its history says so', action, flags}
  }
  const flags = outputs === 'complete' ? (['outputs_present'] as const) : []
  return {row: 2, state: 'failed', reason: 'settled', because: 'its history says so', action, flags}
}

/** Rows 3 to 8. */
function active(known: Witnesses): Judged {
  const {owner, outputs, submission, stopAsked} = known
  if (owner === 'self' || owner === 'alive') {
    return {row: 3, state: 'live', reason: 'owner_alive', because: 'its process is running', action: 'none'}
  }
  if (owner === 'unknown') {
    const because = 'nobody can ask after its process on this file system; --force takes it for dead'
    return {row: 4, state: 'unverified', reason: 'owner_unknown', because, action: 'none'}
  }
  if (outputs === 'complete') {
    const because = 'its picture lies on disk, whole'
    return {row: 5, state: 'completed', reason: 'on_disk', because, action: 'adopt_from_disk'}
  }
  if (submission !== 'none') return submitted(known)
  return stopAsked
    ? {row: 8, state: 'cancelled', reason: 'cancelled', because: 'it was cancelled', action: 'settle', retryable: true}
    : {
        row: 8,
        state: 'failed',
        reason: 'never_submitted',
        because: 'its process died before the request was sent',
        action: 'settle',
        retryable: true,
      }
}

/** Row 6, the server had taken the request; row 7, nobody knows whether it had. */
function submitted({submission, server, stopAsked, age}: Witnesses): Judged {
  const row = submission === 'ack' ? 6 : 7
  switch (server) {
    case 'unasked':
      return {row, state: 'orphaned', reason: 'unasked', because: 'only the server knows', action: 'ask_server'}
    case 'picture': {
      const because = 'its picture is on the server, finished'
      return {row, state: 'completed', reason: 'on_server', because, action: 'adopt_from_server'}
    }
    case 'running':
      return {row, state: 'running', reason: 'running', because: 'the server still works on it', action: 'reattach'}
    case 'gone': {
      const because = 'the server has neither the picture nor the work'
      return stopAsked
        ? {row, state: 'cancelled', reason: 'cancelled', because, action: 'settle', retryable: true}
        : {row, state: 'lost', reason: 'gone', because, action: 'settle', retryable: true}
    }
    case 'unknown': {
      const because = 'the server has no picture of it, and does not tell whose work it is doing'
      return age === 'given_up'
        ? {row, state: 'lost', reason: 'outcome_unknown', because, action: 'settle'}
        : {row, state: 'unverified', reason: 'outcome_unknown', because, action: 'none'}
    }
  }
}

/** Rows 9 to 15: what another generator left, and what was damaged. */
function withoutHistory({history, snapshot, outputs, age}: Witnesses): Judged {
  if (snapshot === 'completed') {
    const flags = outputs === 'none' || outputs === 'partial' ? (['outputs_missing'] as const) : []
    return {
      row: 9,
      state: 'completed',
      reason: 'imported',
      because: 'its snapshot says so',
      action: 'import',
      flags,
    }
  }
  if (snapshot === 'failed') {
    return {row: 10, state: 'failed', reason: 'imported', because: 'its snapshot says so', action: 'import'}
  }
  if (outputs === 'complete') {
    return {row: 11, state: 'completed', reason: 'on_disk', because: 'its files are complete', action: 'import'}
  }
  if (outputs === 'partial' || snapshot === 'active') {
    return age === 'given_up'
      ? {row: 13, state: 'failed', reason: 'given_up', because: 'nothing was added for too long', action: 'import'}
      : {row: 12, state: 'unverified', reason: 'in_progress', because: 'somebody may be at it', action: 'none'}
  }
  if (history === 'bad' || snapshot === 'bad') {
    return {row: 14, state: 'unknown', reason: 'unreadable', because: 'it cannot be read', action: 'quarantine'}
  }
  return {row: 15, state: 'absent', reason: 'absent', because: 'there is nothing', action: 'none'}
}
