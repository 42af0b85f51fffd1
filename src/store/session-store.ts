import type {OwnerStanding, Session, SessionEvent, SessionRequest} from '../session/session.ts'

/** The right to write one session. Exactly one process holds it. */
export interface SessionWriter {
  readonly id: string
  /**
   * Appends one event. Resolves with its sequence number once the line is acknowledged: on disk for transitions,
   * in the kernel for progress (which is also thinned: at most two a second, and only when it moved by a percent).
   * Throws `StorageError` when the disk refuses, `FencedError` when the session was claimed by somebody else.
   */
  append(event: SessionEvent): Promise<number>
}

export interface CreateOptions {
  /** Absolute; where the session's snapshot is kept beside its picture (seed 004's `session_state.json`). */
  readonly snapshotDirectory?: string
}

/** What another process of this user needs to stop or ask after running work. */
export interface Credential {
  readonly server: string
  readonly secret: string
}

/** What was asked to stop. */
export interface CancelRequests {
  readonly wholeRun: boolean
  readonly sessions: ReadonlySet<string>
}

/** What the place of a workspace can do. */
export interface StorageCheck {
  readonly folder: string
  /** The file system's name, or its number. */
  readonly fileSystem: string
  readonly writable: boolean
  /** Whether a lock keeps another process out: how a dead owner is told from a live one. */
  readonly locks: boolean
  readonly reason?: string
}

export interface OwnedSession extends Session {
  readonly ownerStanding: OwnerStanding
}

/** One line of a history, as far as it is understood; unknown events are skipped. */
export interface HistoryLine {
  readonly timestamp: string
  readonly event: string
  readonly session: Session
}

/** What processes of one user tell each other of a run while it lasts. */
export interface RunNotes {
  /** Keeps the server's credential of running work for other processes of this user (0600). */
  keepCredential(run: string, credential: Credential): Promise<void>
  credential(run: string): Promise<Credential | undefined>
  /** Asks whoever makes a run, or one session of it, to stop; stands until the run is forgotten. */
  requestCancel(run: string, session?: string): Promise<void>
  cancelRequests(run: string): Promise<CancelRequests>
  forget(run: string): Promise<void>
}

/**
 * Sessions and their histories. The file store keeps them in the workspace; other stores pass the same conformance
 * suite. Reading never writes.
 */
export interface SessionStore {
  /** Throws `UsageError` when the id is taken, `StorageError` when the disk refuses. */
  create(id: string, request: SessionRequest, options?: CreateOptions): Promise<SessionWriter>
  get(id: string): Promise<OwnedSession | undefined>
  /** Sessions that are not settled (or all), sorted by start and then id. */
  list(query: {readonly active: boolean}): Promise<readonly OwnedSession[]>
  history(id: string): AsyncIterable<HistoryLine>
  /** What was asked for: the first line. */
  request(id: string): Promise<SessionRequest | undefined>
  /** Takes over a session whose owner is dead or foreign; `undefined` when it is alive, settled, or somebody was faster. */
  claim(id: string): Promise<SessionWriter | undefined>
  /**
   * Every picture that a settled session left on disk: path relative to the workspace -> the sha256 last recorded for it.
   * How a run tells its own files from others'.
   */
  recordedPictures(): Promise<ReadonlyMap<string, string>>
  /** What is kept only while a run lasts. */
  readonly runs: RunNotes
  /** Calls `changed` soon after a session of this workspace began or ended, in whatever process. Returns how to stop that. */
  watch(changed: () => void): () => void
  /** Whether the place of the workspace can hold it: writes and locks there, and leaves nothing. */
  checkStorage(): Promise<StorageCheck>
  /** Brings the views up to date and gives the lock back. */
  close(): Promise<void>
}
