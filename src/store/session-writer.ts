import type {Clock} from '../clock.ts'
import {redact} from '../secrets.ts'
import {formatLine, isSettled} from '../session/history-line.ts'
import {advance} from '../session/replay.ts'
import type {Session, SessionEvent} from '../session/session.ts'
import type {HistoryFile} from './history-file.ts'
import type {SessionWriter} from './session-store.ts'

interface Listeners {
  /** A line was written. */
  readonly changed: () => void
  /** The terminal line was written; nothing follows. */
  readonly settled: (session: Session) => Promise<void>
  /** It is nobody's again. */
  readonly released: (id: string) => void
}

/**
 * What need not outlive a power cut, only the death of a process: who has not got to the end by then begins again from the line
 * before, and loses nothing.
 */
const ONLY_IN_THE_KERNEL: ReadonlySet<string> = new Set(['progress', 'fetched'])

/** Progress is written at most twice a second, and only when it moved by a percent. */
const PROGRESS_EVERY_MS = 500
const PROGRESS_STEP = 0.01

/** Writes one session's history: transitions go to disk before they are acknowledged, progress is thinned and is not. */
export class FileSessionWriter implements SessionWriter {
  readonly id: string
  readonly #file: HistoryFile
  readonly #clock: Clock
  readonly #listeners: Listeners
  readonly #takenFrom: string | undefined
  #session: Session
  #lastProgress = {at: Number.NEGATIVE_INFINITY, value: 0}

  /** `takenFrom` is the owner that a session had before. */
  constructor(file: HistoryFile, session: Session, clock: Clock, listeners: Listeners, takenFrom?: string) {
    this.id = session.id
    this.#file = file
    this.#session = session
    this.#clock = clock
    this.#listeners = listeners
    this.#takenFrom = takenFrom
  }

  async append(event: SessionEvent): Promise<number> {
    if (isSettled(this.#session)) throw new Error(`The session ${this.id} is settled; "${event.event}" came too late.`)
    if (event.event === 'progress' && !this.#isNews(event.progress ?? 0)) return this.#session.seq
    const at = new Date(this.#clock.now()).toISOString()
    const next = advance(this.#session, cleanEvent(event), at)
    this.#session = next
    const line = formatLine(event.event, next)
    if (ONLY_IN_THE_KERNEL.has(event.event)) this.#file.append(line)
    else await this.#file.appendSynced(line)
    if (isSettled(next)) {
      this.#file.close()
      await this.#listeners.settled(next)
    } else {
      this.#listeners.changed()
    }
    return next.seq
  }

  async release(): Promise<void> {
    if (this.#takenFrom === undefined) throw new Error(`The session ${this.id} was not taken over from anybody.`)
    const at = new Date(this.#clock.now()).toISOString()
    const back = advance(this.#session, {event: 'released', state: this.#session.state}, at)
    await this.#file.appendSynced(formatLine('released', {...back, owner: this.#takenFrom}))
    this.#file.close()
    this.#listeners.released(this.id)
  }

  #isNews(value: number): boolean {
    const now = this.#clock.monotonic()
    const {at, value: before} = this.#lastProgress
    if (now - at < PROGRESS_EVERY_MS || Math.abs(value - before) < PROGRESS_STEP) return false
    this.#lastProgress = {at: now, value}
    return true
  }
}

function cleanEvent(event: SessionEvent): SessionEvent {
  if (!event.message && !event.result?.error) return event
  return {
    ...event,
    ...(event.message ? {message: redact(event.message)} : {}),
    ...(event.result?.error ? {result: {...event.result, error: redact(event.result.error)}} : {}),
  }
}
