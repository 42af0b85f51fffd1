/** Where a session stands. The last four are terminal: a settled session never changes again. */
export type SessionState = 'pending' | 'starting' | 'generating' | 'completed' | 'failed' | 'cancelled' | 'lost'

/** What was asked for, as the first line of a history keeps it. Never a credential, never a URL with one. */
export interface SessionRequest {
  /** The `ag generate` run this session belongs to. */
  readonly run: string
  /** The asset's id in its manifest, or the name made for a prompt. */
  readonly asset: string
  readonly prompt: string
  readonly parameters: Readonly<Record<string, unknown>>
  /** Where the picture goes, relative to the workspace, with forward slashes. */
  readonly output: string
  /** The server's address without credentials. */
  readonly server: string
  /** The user it is to the server. */
  readonly user?: string
  /** What the picture depends on, as one word: two sessions with the same key are about the same picture. */
  readonly key?: string
  /** How many pictures the run set out to make: how a later run knows that this one did not get to its end. */
  readonly total?: number
  /** Its seed was drawn for this session, and is not in its key. */
  readonly randomSeed?: boolean
  /** The prompts were left out when this history was kept where others can read it. */
  readonly redacted?: boolean
}

/** How far the server has it: `intent` is written before the request is sent, `ack` when the server has taken it. */
export interface Submission {
  readonly kind: 'swarmui'
  readonly phase: 'intent' | 'ack'
  /** The server's name for the work, `^[A-Za-z0-9._:/-]{1,200}$`. */
  readonly handle?: string
  /** Token of the process that sent it, which need not be the one that owns the session by now. */
  readonly by?: string
}

/** A picture that lies on disk. */
export interface Picture {
  /** Relative to the workspace, with forward slashes. */
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly width: number
  readonly height: number
  readonly format: string
}

export interface SessionResult {
  readonly picture?: Picture
  /** Seed and model that the server says it used. */
  readonly seed?: number
  readonly model?: string
  /** For people: why it ended without a picture. */
  readonly error?: string
  /** For machines: one word, e.g. `rejected`, `failed`, `interrupted`, `gone`, `never_submitted`, `outcome_unknown`. */
  readonly reason?: string
  /** Where the picture was found, when it was not the process that asked for it that settled the session. */
  readonly recovered?: 'disk' | 'server'
}

/** One asset's generation, replayed from its history: the state after the last valid line. */
export interface Session {
  readonly id: string
  readonly state: SessionState
  /** 0..1 */
  readonly progress: number
  readonly message: string
  /** Wall clock, ISO 8601. */
  readonly startedAt: string
  readonly updatedAt: string
  /** Token of the process that writes it. */
  readonly owner: string
  /** Fencing: a claim raises the epoch, `seq` counts lines. */
  readonly epoch: number
  readonly seq: number
  readonly submission?: Submission
  readonly result?: SessionResult
  /** The asset and the run, for listings without a second read. */
  readonly asset: string
  readonly run: string
  /** The request's key. */
  readonly key?: string
  /** Written by a newer ag: shown, never written. */
  readonly unsupported?: boolean
}

export const TERMINAL: ReadonlySet<SessionState> = new Set(['completed', 'failed', 'cancelled', 'lost'])

/** What happened to a session: the event's name in the history, and what it changes. Fields left out stay as they were. */
export interface SessionEvent {
  readonly event:
    | 'intent'
    | 'submitted'
    | 'progress'
    | 'retrying'
    /** The picture is here and whole, its digest recorded; it is about to be put in place. */
    | 'fetched'
    | 'completed'
    | 'failed'
    | 'cancelled'
    | 'lost'
    | 'recovered'
    | 'reattached'
    | 'released'
    | 'imported'
  readonly state: SessionState
  readonly progress?: number
  readonly message?: string
  readonly submission?: Submission
  readonly result?: SessionResult
}

/**
 * The process that writes a session, as this machine sees it now. `foreign`: it wrote on another machine (a restored
 * history). `unknown`: this file system cannot tell.
 */
export type OwnerStanding = 'self' | 'alive' | 'dead' | 'foreign' | 'unknown'

/** A label for people, from the age of the last line: over 5 minutes, over 15 minutes. Never a verdict. */
export type Staleness = 'fresh' | 'stale' | 'very_stale'
