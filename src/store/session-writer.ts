import type {Clock} from '../clock.ts'
import {redact} from '../secrets.ts'
import {formatLine, isSettled} from '../session/history-line.ts'
import {advance} from '../session/replay.ts'
import type {Session, SessionEvent} from '../session/session.ts'
import type {HistoryFile} from './history-file.ts'
import type {ClaimedWriter, SessionWriter} from './session-store.ts'

interface Listeners {
  /** A line was written. */
  readonly changed: () => void
  /** The terminal line was written; nothing follows. */
  readonly settled: (session: Session) => Promise<void>
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
  #session: Session
  #lastProgress = {at: Number.NEGATIVE_INFINITY, value: 0}

  constructor(file: HistoryFile, session: Session, clock: Clock, listeners: Listeners) {
    this.id = session.id
    this.#file = file
    this.#session = session
    this.#clock = clock
    this.#listeners = listeners
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

  /** Writes that a session is another owner's from now on; nothing follows. */
  protected async handTo(owner: string): Promise<void> {
    const at = new Date(this.#clock.now()).toISOString()
    const back = advance(this.#session, {event: 'released', state: this.#session.state}, at)
    await this.#file.appendSynced(formatLine('released', {...back, owner}))
    this.#file.close()
  }

  #isNews(value: number): boolean {
    const now = this.#clock.monotonic()
    const {at, value: before} = this.#lastProgress
    if (now - at < PROGRESS_EVERY_MS || Math.abs(value - before) < PROGRESS_STEP) return false
    this.#lastProgress = {at: now, value}
    return true
  }
}

/** Writes the history of a session that was taken over. */
export class ClaimedSessionWriter extends FileSessionWriter implements ClaimedWriter {
  readonly #takenFrom: string
  readonly #releasing: () => void
  readonly #released: () => void

  /** `takenFrom` is the owner that it had before, and has again once it is `released`; `releasing` is called while it is ours. */
  constructor(
    file: HistoryFile,
    session: Session,
    clock: Clock,
    {
      takenFrom,
      releasing,
      released,
      ...listeners
    }: Listeners & {
      readonly takenFrom: string
      readonly releasing: () => void
      readonly released: () => void
    },
  ) {
    super(file, session, clock, listeners)
    this.#takenFrom = takenFrom
    this.#releasing = releasing
    this.#released = released
  }

  async release(): Promise<void> {
    this.#releasing()
    await this.handTo(this.#takenFrom)
    this.#released()
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
