import type {SessionEvent} from '../session/session.ts'
import type {SessionWriter} from '../store/session-store.ts'

/** Appends in order; keeps the first failure for the next `write`, so that progress never stops a generation. */
export class SessionLedger {
  readonly #writer: SessionWriter
  #pending: Promise<void> = Promise.resolve()

  constructor(writer: SessionWriter) {
    this.#writer = writer
  }

  /** Resolves once the event and all before it are acknowledged; rejects with the first failure since the last call. */
  async write(event: SessionEvent): Promise<void> {
    this.note(event)
    const pending = this.#pending
    this.#pending = Promise.resolve()
    await pending
  }

  /** Appends without waiting. */
  note(event: SessionEvent): void {
    this.#pending = this.#pending.then(async () => {
      await this.#writer.append(event)
    })
    this.#pending.catch(() => {})
  }
}
