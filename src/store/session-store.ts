import type {ParsedLine} from '../session/history-line.ts'
import type {OwnerStanding, Session, SessionEvent, SessionRequest} from '../session/session.ts'

/** The right to write one session. Exactly one process holds it. */
export interface SessionWriter {
  readonly id: string
  /**
   * Appends one event. Resolves with its sequence number once the line is acknowledged: on disk for transitions,
   * in the kernel for what is repeated after a power cut and for progress (which is also thinned: at most two a second, and only when it moved by a percent).
   * Throws `StorageError` when the disk refuses, `FencedError` when the session was claimed by somebody else.
   */
  append(event: SessionEvent): Promise<number>
}

/** The right to write a session that was taken over. */
export interface ClaimedWriter extends SessionWriter {
  /** Gives it back, as it was: whoever comes next may take it. Nothing is written after it. */
  release(): Promise<void>
}

export interface CreateOptions {
  /** Absolute; where the session's snapshot is kept beside its picture (seed 004's `session_state.json`). */
  readonly snapshotDirectory?: string
}

export interface ClaimOptions extends CreateOptions {
  /** Take an owner that nobody can ask after (on a network file system) for dead. */
  readonly force?: boolean
  /** It will be settled at once: the views need not show it as active meanwhile. */
  readonly brief?: boolean
}

/** When a session that is recorded afterwards began and ended; ISO 8601. */
export interface RecordedTimes {
  readonly startedAt: string
  readonly endedAt: string
}

/** What merging copies of a history came to. */
export interface MergeOutcome {
  /** `live`: a process of this machine is writing it, and it was left alone. */
  readonly state: 'new' | 'changed' | 'unchanged' | 'live'
  /** Lines that the copies disagree on: two machines went on with the same session. */
  readonly conflicts: number
  /** Absolute; where this workspace's own lines went that were not kept. */
  readonly putAside?: string
}

/** Where something bad was put. */
export interface SetAside {
  /** Absolute; missing where another process was faster. */
  readonly place?: string
  /** Lines of a history that were good, and are its history now. */
  readonly salvaged: number
}

/** A history's file as it is, understood or not. */
export interface HistoryCheck {
  readonly lines: number
  /** Complete lines that are none of this session's. */
  readonly damaged: number
  /** The last line has no line break: its writer died in it, or is writing. */
  readonly torn: boolean
  /** Its first line says what was asked for. */
  readonly hasRequest: boolean
  /** Sequence numbers that are missing between the first and the last. */
  readonly missing: number
}

/** What another process of this user needs to stop or ask after running work. */
export interface Credential {
  readonly server: string
  readonly secret: string
}

/** A process that is at a run. */
export interface Attendant {
  readonly id: string
  readonly run: string
  /** Of the process; that of the owner of its sessions. */
  readonly token: string
  /** The address of the server it works with. */
  readonly server: string
}

/**
 * This process's being at a run: until it is disposed of, others find it, also while it has no session, and can ask it to stop. What
 * was asked ends with it, and reaches no later process at a run of the same name.
 */
export interface Attendance extends AsyncDisposable {
  readonly run: string
  /** Goes on at a run of another name; what was kept of the one before is forgotten, what was asked stands. Throws `StorageError`. */
  rename(run: string): Promise<void>
  /** Whether somebody asked this process to stop all of the run. */
  cancelRequested(): Promise<boolean>
  /** The sessions that somebody asked this process to stop. */
  sessionsToCancel(): Promise<ReadonlySet<string>>
  /** Keeps the server's credential of running work for other processes of this user (0600). Throws `StorageError`. */
  keepCredential(credential: Credential): Promise<void>
}

/** Who is asked to stop: a process at a run, with all of it, or the owner of a session with that one. */
export type CancelTarget = {readonly attendant: string} | {readonly session: string; readonly owner: string}

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
  /** As it is kept, without its line break. */
  readonly text: string
  readonly timestamp: string
  readonly event: string
  readonly session: Session
}

/** What processes of one user tell each other of a run while it lasts. */
export interface RunNotes {
  /** Says that this process is at a run, working with the server of that address. Throws `StorageError`. */
  join(run: string, server: string): Promise<Attendance>
  /** The other processes that are at a run: those that live, and those of which nobody can tell (on a network file system). */
  attendants(): Promise<readonly Attendant[]>
  /** What a run's work was sent under, by the token of the process that sent it. */
  credentials(run: string): Promise<ReadonlyMap<string, Credential>>
  /** Throws `StorageError`. */
  requestCancel(of: CancelTarget): Promise<void>
  /** The sessions that a process was asked to stop, or was to be when it died. */
  cancelRequests(owner: string): Promise<ReadonlySet<string>>
}

/** Care for the histories as a whole. Nothing here touches what a live process is writing. */
export interface Upkeep {
  /** Histories that are none: names of what lies among them and has no valid line. `thorough`: also of those that are known to be over. */
  damaged(how?: {readonly thorough: boolean}): Promise<readonly string[]>
  /** Puts a damaged history, by its file's name, or another file of the workspace aside, or a copy of one. Nothing is deleted. */
  setAside(what: {readonly history: string} | {readonly file: string} | {readonly copyOf: string}): Promise<SetAside>
  /**
   * Adds lines from other copies of sessions' histories, by id: the union by epoch and sequence. With `passing`, new histories are
   * not synced to disk: they are copies of what is kept elsewhere.
   */
  merge(
    copies: ReadonlyMap<string, readonly ParsedLine[]>,
    options?: {readonly passing?: boolean},
  ): Promise<ReadonlyMap<string, MergeOutcome>>
  /** Removes histories of settled sessions; returns which of them are gone. Others are left alone. */
  remove(ids: readonly string[]): Promise<readonly string[]>
  /** Removes what dead processes left behind: owners without sessions, markers of settled ones, temporary files. */
  tidy(): Promise<number>
  check(id: string): Promise<HistoryCheck | undefined>
  /** The ids that have a history, good or bad. */
  ids(): Promise<ReadonlySet<string>>
  /** Ids that need not be looked at: their sessions are known to be settled, and their snapshots written. */
  knownSettled(): Promise<ReadonlySet<string>>
  noteSettled(id: string): Promise<void>
  /** Writes a session's snapshot anew from its history. */
  rewriteSnapshot(id: string, directory: string): Promise<void>
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
  /** The unsettled sessions that other processes have begun or taken over in this workspace; cheap, however many histories it has. */
  underWay(): Promise<readonly OwnedSession[]>
  /**
   * Does something short while no other process of this workspace does such a thing. Where the others do not let us in for seconds,
   * as on a file system without locks, it is done all the same.
   */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  history(id: string): AsyncIterable<HistoryLine>
  /** What was asked for: the first line. */
  request(id: string): Promise<SessionRequest | undefined>
  /** Takes over a session whose owner is dead or foreign; `undefined` when it is alive, settled, or somebody was faster. */
  claim(id: string, options?: ClaimOptions): Promise<ClaimedWriter | undefined>
  /** Writes a session that is over already, in one step: somebody else's, or one whose picture was found. */
  record(
    id: string,
    request: SessionRequest,
    event: SessionEvent,
    options?: CreateOptions & {readonly times?: RecordedTimes},
  ): Promise<void>
  /**
   * Every picture that a session put on disk, or was about to: path relative to the workspace -> the sha256 last recorded for it.
   * How a run tells its own files from others'.
   */
  recordedPictures(): Promise<ReadonlyMap<string, string>>
  /** What is kept only while a run lasts. */
  readonly runs: RunNotes
  /** What is done to histories as a whole. */
  readonly upkeep: Upkeep
  /** Calls `changed` soon after a session of this workspace began or ended, in whatever process. Returns how to stop that. */
  watch(changed: () => void): () => void
  /** Whether the place of the workspace can hold it: writes and locks there, and leaves nothing. */
  checkStorage(): Promise<StorageCheck>
  /** Brings the views up to date and gives the lock back. */
  close(): Promise<void>
}
