import type {SessionState} from './session.ts'

interface Words {
  /** The state file's word (seeds 000 and 002); settled sessions are not in it. */
  readonly stateFile: 'pending' | 'starting' | 'generating' | undefined
  /** The history's word (seed 003). */
  readonly history: 'idle' | 'working' | 'blocked' | 'completed' | 'error'
  /** The snapshot's word (seed 004). */
  readonly snapshot: 'in_progress' | 'completed' | 'failed'
}

/** How each state is called in the three formats that other tools read. */
export const STATUS_WORDS: Readonly<Record<SessionState, Words>> = {
  pending: {stateFile: 'pending', history: 'idle', snapshot: 'in_progress'},
  starting: {stateFile: 'starting', history: 'working', snapshot: 'in_progress'},
  generating: {stateFile: 'generating', history: 'working', snapshot: 'in_progress'},
  completed: {stateFile: undefined, history: 'completed', snapshot: 'completed'},
  failed: {stateFile: undefined, history: 'error', snapshot: 'failed'},
  cancelled: {stateFile: undefined, history: 'error', snapshot: 'failed'},
  lost: {stateFile: undefined, history: 'error', snapshot: 'failed'},
}
