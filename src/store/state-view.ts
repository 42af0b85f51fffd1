import {existsSync, lstatSync} from 'node:fs'
import {join} from 'node:path'
import type {Clock} from '../clock.ts'
import {readSmallText} from '../read-small.ts'
import {replaceFile} from '../replace-file.ts'
import {isSessionId} from '../session/history-line.ts'
import {isRecord} from '../session/record.ts'
import type {Session} from '../session/session.ts'
import {STATUS_WORDS} from '../session/status-words.ts'
import {activeSessions} from './active-sessions.ts'
import {tryLock} from './kernel-lock.ts'
import {historyPath, type Layout} from './layout.ts'

/** An entry of the state file: exactly seed 002's. */
interface Entry {
  readonly id: string
  readonly status: string
  readonly progress: number
  readonly start_time: string
  readonly updated_at: string
}

const AT_MOST_EVERY_MS = 1000
const BUSY_AGAIN_MS = 50
const LAST_TRIES = 40
const STATE_FILE_LIMIT = 16 * 2 ** 20
const FOREIGN_FOR_MS = 24 * 60 * 60 * 1000

/**
 * The state file of seed 002: the active sessions, for scripts. A view: made anew from the histories each time, under a lock,
 * so that whichever of several processes comes last has seen everything and none can lose another's sessions or bring
 * finished ones back. ag decides nothing from it, and its failures stop nothing.
 */
export class StateView {
  readonly #layout: Layout
  readonly #clock: Clock
  readonly #report: (message: string) => void
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<boolean> | undefined
  #lastWrite = Number.NEGATIVE_INFINITY
  #stale = false
  #failed = false

  constructor(layout: Layout, clock: Clock, report: (message: string) => void) {
    this.#layout = layout
    this.#clock = clock
    this.#report = report
  }

  /** Something changed: brings the file up to date, now or within a second. */
  refresh(): void {
    this.#stale = true
    if (this.#timer || this.#writing) return
    const wait = Math.max(0, this.#lastWrite + AT_MOST_EVERY_MS - this.#clock.monotonic())
    this.#timer = setTimeout(() => void this.#run(), wait).unref()
  }

  /** Brings the file up to date for the last time. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#writing
    for (let tries = 0; this.#stale && tries < LAST_TRIES; tries++) {
      if (!(await this.#write())) await this.#clock.sleep(BUSY_AGAIN_MS)
    }
  }

  async #run(): Promise<void> {
    this.#writing = this.#write()
    const written = await this.#writing
    this.#writing = undefined
    this.#timer = undefined
    if (written && !this.#stale) return
    this.#timer = setTimeout(() => void this.#run(), written ? AT_MOST_EVERY_MS : BUSY_AGAIN_MS).unref()
  }

  /** False when another process is writing it: it may have read before our change. */
  async #write(): Promise<boolean> {
    try {
      const lock = await tryLock(join(this.#layout.locks, 'view.lock'))
      if (!lock) return false
      try {
        this.#stale = false
        await replaceFile(this.#layout.stateFile, this.#content())
      } finally {
        lock.release()
      }
      this.#lastWrite = this.#clock.monotonic()
    } catch (error) {
      this.#stale = false
      if (!this.#failed)
        this.#report(`The state file ${this.#layout.stateFile} cannot be written: ${(error as Error).message}`)
      this.#failed = true
    }
    return true
  }

  #content(): string {
    const now = this.#clock.now()
    const sessions: Record<string, Entry> = this.#foreignEntries(now)
    const ours = activeSessions(this.#layout)
    for (const session of ours) sessions[session.id] = toEntry(session)
    const sorted = Object.fromEntries(Object.entries(sessions).sort(([a], [b]) => (a < b ? -1 : 1)))
    const ag = {v: 1, sessions: ours.map(({id}) => id).sort()}
    return `${JSON.stringify({sessions: sorted, updated_at: new Date(now).toISOString(), ag}, null, 2)}\n`
  }

  /**
   * What another tool wrote into the file: ag never had it there, it has no history here, and it is dropped a day after it started.
   * What ag had there and has no history any more was settled and pruned since.
   */
  #foreignEntries(now: number): Record<string, Entry> {
    const kept: Record<string, Entry> = {}
    const {sessions, ours} = readStateFile(this.#layout.stateFile)
    for (const [id, entry] of Object.entries(sessions)) {
      const started = Date.parse(entry.start_time)
      const foreign = !ours.has(id) && !(isSessionId(id) && existsSync(historyPath(this.#layout, id)))
      if (foreign && now - started < FOREIGN_FOR_MS) kept[id] = entry
    }
    return kept
  }
}

function toEntry({id, state, progress, startedAt, updatedAt}: Session): Entry {
  const status = STATUS_WORDS[state].stateFile ?? state
  return {id, status, progress, start_time: startedAt, updated_at: updatedAt}
}

/** What the file holds now, and which of it ag wrote; nothing where it cannot be read. */
function readStateFile(path: string): {sessions: Readonly<Record<string, Entry>>; ours: ReadonlySet<unknown>} {
  try {
    const {sessions, ag} = JSON.parse(readSmallText(path, STATE_FILE_LIMIT) ?? '')
    const ours = new Set(Array.isArray(ag?.sessions) ? ag.sessions : [])
    return {sessions: Object.fromEntries(Object.entries(sessions ?? {}).filter(isEntry)), ours}
  } catch {
    return {sessions: {}, ours: new Set()}
  }
}

/** Whether a path is that of a state file, or free for one. */
export function mayBeStateFile(path: string): boolean {
  const facts = lstatSync(path, {throwIfNoEntry: false})
  // A link that leads nowhere yet.
  if (!facts || facts.isSymbolicLink()) return true
  const text = facts.isFile() ? readSmallText(path, STATE_FILE_LIMIT)?.trim() : undefined
  if (text === '' || (facts.isFile() && facts.size === 0)) return true
  try {
    const json: unknown = JSON.parse(text ?? '')
    return isRecord(json) && (isRecord(json['sessions']) || Object.keys(json).length === 0)
  } catch {
    return false
  }
}

/** Other tools may write anything into the file; without the time it started, nobody could tell when an entry is to go. */
function isEntry(entry: [string, unknown]): entry is [string, Entry] {
  const [, value] = entry
  return typeof value === 'object' && value !== null && typeof (value as Partial<Entry>).start_time === 'string'
}
