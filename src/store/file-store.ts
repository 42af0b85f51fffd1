import {join} from 'node:path'
import type {Clock} from '../clock.ts'
import {StorageError, storageError, UsageError} from '../errors.ts'
import {redactValues} from '../secrets.ts'
import {formatLine, isSessionId, isSettled} from '../session/history-line.ts'
import {advance, newSession} from '../session/replay.ts'
import type {Session, SessionEvent, SessionRequest} from '../session/session.ts'
import {activeSessions} from './active-sessions.ts'
import {withClaimLock} from './claim-lock.ts'
import {HistoryFile} from './history-file.ts'
import {historyIds} from './history-names.ts'
import {readLines, readTail} from './history-reader.ts'
import {HistoryUpkeep} from './history-upkeep.ts'
import {historyPath, type Layout} from './layout.ts'
import {makeFolders, makeOnce} from './make-folders.ts'
import {Owners} from './owners.ts'
import {removeQuietly} from './remove-quietly.ts'
import {RunNoteFiles} from './run-notes.ts'
import type {
  ClaimedWriter,
  ClaimOptions,
  CreateOptions,
  HistoryLine,
  OwnedSession,
  RecordedTimes,
  RunNotes,
  SessionStore,
  SessionWriter,
  StorageCheck,
  Upkeep,
} from './session-store.ts'
import {ClaimedSessionWriter, FileSessionWriter} from './session-writer.ts'
import {knownSettled, noteSettled} from './settled-index.ts'
import {writeSnapshot} from './snapshot.ts'
import {StateView} from './state-view.ts'
import {checkStorage} from './storage-check.ts'
import {freeAbandoned} from './tidy.ts'
import {watchFolder} from './watch-folder.ts'

export interface FileStoreOptions {
  readonly clock: Clock
  /** Names this process to others that ask who owns a session. */
  readonly command: string
  /** Refuse to write; nothing is made on disk. */
  readonly readOnly?: boolean
  /** Hears, once each, what went wrong with a view; views never stop a generation. */
  readonly report?: (message: string) => void
}

/** Sessions as files in a workspace. Nothing is kept in memory for a settled session. */
export class FileStore implements SessionStore {
  readonly runs: RunNotes
  readonly upkeep: Upkeep
  readonly #layout: Layout
  readonly #options: FileStoreOptions
  readonly #owners: Owners
  readonly #view: StateView
  readonly #mine = new Set<string>()
  #entered: Promise<void> | undefined
  #wrote = false

  constructor(layout: Layout, options: FileStoreOptions) {
    this.#layout = layout
    this.#options = options
    this.#owners = new Owners(layout, options.command, options.clock)
    this.runs = new RunNoteFiles(layout, this.#owners, options.clock, () => this.#enter())
    this.#view = new StateView(layout, options.clock, options.report ?? (() => {}))
    this.upkeep = new HistoryUpkeep({
      layout,
      owners: this.#owners,
      clock: options.clock,
      enter: () => this.#enter(),
      changed: () => this.#view.refresh(),
    })
  }

  async create(id: string, request: SessionRequest, options: CreateOptions = {}): Promise<SessionWriter> {
    if (!isSessionId(id)) throw new UsageError(`"${id}" cannot be the id of a session.`)
    await this.#enter()
    const at = new Date(this.#options.clock.now()).toISOString()
    const session = newSession(id, {...request, owner: this.#owners.token, at})
    const line = formatLine('created', session, redactValues(request))
    await freeAbandoned(this.#layout, this.#owners, id, this.#options.clock.now())
    const file = await HistoryFile.create(historyPath(this.#layout, id), id, line, join(this.#layout.active, id))
    const listeners = await this.#begin(session, request, options)
    return new FileSessionWriter(file, session, this.#options.clock, listeners)
  }

  async get(id: string): Promise<OwnedSession | undefined> {
    if (!isSessionId(id)) return undefined
    const session = readTail(historyPath(this.#layout, id), id)?.line.session
    return session && this.#withOwner(session)
  }

  async list({active}: {readonly active: boolean}): Promise<readonly OwnedSession[]> {
    const settled = active ? knownSettled(this.#layout.settled) : new Set<string>()
    const sessions: OwnedSession[] = []
    for (const id of historyIds(this.#layout)) {
      if (settled.has(id)) continue
      const session = readTail(historyPath(this.#layout, id), id)?.line.session
      if (session && !(active && isSettled(session))) sessions.push(await this.#withOwner(session))
    }
    return sessions.sort((a, b) => compare(a.startedAt, b.startedAt) || compare(a.id, b.id))
  }

  async underWay(): Promise<readonly OwnedSession[]> {
    const sessions = activeSessions(this.#layout).map((session) => this.#withOwner(session))
    return (await Promise.all(sessions)).filter(({ownerStanding}) => ownerStanding !== 'self')
  }

  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter()
    const done = await withClaimLock(this.#layout, this.#options.clock, async () => ({value: await work()}))
    return done ? done.value : work()
  }

  async *history(id: string): AsyncIterable<HistoryLine> {
    if (isSessionId(id)) yield* readLines(historyPath(this.#layout, id), id)
  }

  async request(id: string): Promise<SessionRequest | undefined> {
    if (!isSessionId(id)) return undefined
    for (const {request} of readLines(historyPath(this.#layout, id), id)) return request
    return undefined
  }

  async claim(id: string, options: ClaimOptions = {}): Promise<ClaimedWriter | undefined> {
    await this.#enter()
    return withClaimLock(this.#layout, this.#options.clock, () => this.#claimLocked(id, options))
  }

  async record(
    id: string,
    request: SessionRequest,
    event: SessionEvent,
    {times, ...options}: CreateOptions & {readonly times?: RecordedTimes} = {},
  ): Promise<void> {
    if (!isSessionId(id)) throw new UsageError(`"${id}" cannot be the id of a session.`)
    await this.#enter()
    const now = new Date(this.#options.clock.now()).toISOString()
    const begun = newSession(id, {...request, owner: this.#owners.token, at: times?.startedAt ?? now})
    const session = {...advance(begun, event, times?.endedAt ?? now), seq: 1}
    const line = formatLine(event.event, session, redactValues(request))
    const marker = join(this.#layout.active, id)
    await freeAbandoned(this.#layout, this.#owners, id, this.#options.clock.now())
    const file = await HistoryFile.create(historyPath(this.#layout, id), id, line, marker)
    file.close()
    await this.#settled(session, request, options)
  }

  async recordedPictures(): Promise<ReadonlyMap<string, string>> {
    const newest = new Map<string, {sha256: string; at: string}>()
    for (const id of historyIds(this.#layout)) {
      const session = readTail(historyPath(this.#layout, id), id)?.line.session
      const picture = session?.result?.picture
      if (!session || !picture) continue
      const known = newest.get(picture.path)
      if (!known || known.at < session.updatedAt)
        newest.set(picture.path, {sha256: picture.sha256, at: session.updatedAt})
    }
    return new Map([...newest].map(([path, {sha256}]) => [path, sha256]))
  }

  watch(changed: () => void): () => void {
    return watchFolder(this.#layout.active, changed)
  }

  checkStorage(): Promise<StorageCheck> {
    return checkStorage(this.#layout)
  }

  async close(): Promise<void> {
    if (!this.#wrote) return
    await this.#view.close()
    this.#owners.leave({settled: this.#mine.size === 0})
  }

  async #claimLocked(id: string, {force = false, ...options}: ClaimOptions): Promise<ClaimedWriter | undefined> {
    const path = historyPath(this.#layout, id)
    const tail = readTail(path, id)
    if (!tail || isSettled(tail.line.session) || tail.line.session.unsupported) return undefined
    const standing = await this.#owners.standing(tail.line.session.owner)
    if (standing !== 'dead' && standing !== 'foreign' && !(force && standing === 'unknown')) return undefined
    const request = await this.request(id)
    const before = tail.line.session
    const session: Session = {
      ...before,
      owner: this.#owners.token,
      epoch: before.epoch + 1,
      seq: before.seq + 1,
      updatedAt: new Date(this.#options.clock.now()).toISOString(),
    }
    const marked = !options.brief && this.#mark(id)
    const file = HistoryFile.open(path, id, {epoch: session.epoch, size: tail.size, torn: tail.torn})
    // Not synced: a power cut makes all owners dead, and the session anybody's again.
    try {
      file.append(formatLine('reattached', session))
    } catch (error) {
      file.close()
      throw error
    }
    const listeners = await this.#begin(session, request, options)
    return new ClaimedSessionWriter(file, session, this.#options.clock, {
      ...listeners,
      takenFrom: before.owner,
      releasing: () => {
        // It was not this machine's before. Whoever takes it over next marks it for himself.
        if (marked) removeQuietly(join(this.#layout.active, id))
      },
      released: () => {
        this.#mine.delete(id)
        this.#view.refresh()
      },
    })
  }

  async #begin(
    session: Session,
    request: SessionRequest | undefined,
    options: CreateOptions,
  ): Promise<{readonly changed: () => void; readonly settled: (ended: Session) => Promise<void>}> {
    this.#mine.add(session.id)
    await this.#snapshot(session, request, options)
    this.#view.refresh()
    return {
      changed: () => this.#view.refresh(),
      settled: (ended) => this.#settled(ended, request, options),
    }
  }

  async #settled(session: Session, request: SessionRequest | undefined, options: CreateOptions): Promise<void> {
    await this.#snapshot(session, request, options)
    // Last of all: who reads that it is settled need not look at its views.
    removeQuietly(join(this.#layout.active, session.id))
    noteSettled(this.#layout.settled, session.id)
    this.#mine.delete(session.id)
    this.#view.refresh()
  }

  async #snapshot(
    session: Session,
    request: SessionRequest | undefined,
    {snapshotDirectory}: CreateOptions,
  ): Promise<void> {
    if (!snapshotDirectory || !request) return
    await writeSnapshot(snapshotDirectory, this.#layout.root, session, redactValues(request)).catch((error: Error) => {
      this.#options.report?.(`The snapshot in ${snapshotDirectory} cannot be written: ${error.message}`)
    })
  }

  /** Makes the workspace's folders and this process's lock, at the first write. */
  #enter(): Promise<void> {
    if (this.#options.readOnly) throw new Error('This workspace was opened for reading only.')
    this.#entered ??= this.#makeFolders()
    return this.#entered
  }

  async #makeFolders(): Promise<void> {
    try {
      makeFolders(this.#layout)
      await this.#owners.enter()
      this.#wrote = true
    } catch (error) {
      throw error instanceof StorageError ? error : storageError(join(this.#layout.root, '.ag'), error)
    }
  }

  /**
   * Says that this machine works on a session that it did not make. The marker of one that was made here is there already,
   * and is the history itself under a second name: it must not be written to. Returns whether it was said for the first time.
   */
  #mark(id: string): boolean {
    const path = join(this.#layout.active, id)
    try {
      return makeOnce(path, '')
    } catch (error) {
      throw storageError(path, error)
    }
  }

  async #withOwner(session: Session): Promise<OwnedSession> {
    return {...session, ownerStanding: await this.#owners.standing(session.owner)}
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
