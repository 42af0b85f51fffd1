import type * as z from 'zod/mini'
import {DeniedError} from '../../errors.ts'
import {addSecret} from '../../secrets.ts'
import {ApiError} from './answer.ts'
import type {Transport} from './transport.ts'
import {type NewSession, newSession} from './wire.ts'

/** A place where a SwarmUI session outlives the process, so that each `status` does not leave a new one on the server. */
export interface SessionKeeper {
  load(): Promise<unknown>
  save(session: NewSession): Promise<void>
}

const RENEWALS = 3

/**
 * The one SwarmUI session of this process on one server. Its id is a bearer credential (reference section 1.3): it is
 * registered with the redactor as soon as it is known.
 */
export class SwarmSession {
  readonly #transport: Transport
  readonly #keeper: SessionKeeper | undefined
  readonly #onRestart: ((serverId: string) => void) | undefined
  #current: Promise<NewSession> | undefined

  /** `onRestart` hears of a changed `server_id`: the server was restarted and has forgotten its queue. */
  constructor(transport: Transport, options: {keeper?: SessionKeeper; onRestart?: (serverId: string) => void} = {}) {
    this.#transport = transport
    this.#keeper = options.keeper
    this.#onRestart = options.onRestart
  }

  /** The session, made at first need. */
  get(signal: AbortSignal): Promise<NewSession> {
    this.#current ??= this.#loadOrCreate(signal).catch((error) => {
      this.#current = undefined
      throw error
    })
    return this.#current
  }

  /**
   * Calls a route with the session's id in the body. A session that the server does not know any more is renewed, at
   * most three times: whatever the call asked for was not done (recording 13).
   */
  call<Shape extends z.core.$ZodType>(
    route: string,
    shape: Shape,
    body: object,
    signal: AbortSignal,
    answerWithin?: number,
  ): Promise<z.output<Shape>> {
    const options = {signal, ...(answerWithin === undefined ? {} : {answerWithin})}
    return this.withSession(signal, (id) => this.#transport.post(route, shape, {session_id: id, ...body}, options))
  }

  /** Lends the session's id, renewing as `call` does when `use` rejects with `invalid_session_id`. */
  async withSession<T>(signal: AbortSignal, use: (id: string) => Promise<T>): Promise<T> {
    for (let renewals = 0; ; renewals++) {
      const session = await this.get(signal)
      try {
        return await use(session.session_id)
      } catch (error) {
        if (!(error instanceof ApiError) || error.errorId !== 'invalid_session_id' || renewals === RENEWALS) throw error
        await this.#renew(session, signal)
      }
    }
  }

  /**
   * Asks the server who it is now: true when it was restarted and has forgotten its queue. Costs the server one more
   * session, so it is for incidents only; ours survives a restart and is kept (recordings 19, 20).
   */
  async restarted(signal: AbortSignal): Promise<boolean> {
    const before = await this.get(signal)
    const now = await this.#askForSession(signal)
    if (now.server_id === before.server_id) return false
    this.#current = Promise.resolve({...before, server_id: now.server_id, version: now.version})
    this.#onRestart?.(now.server_id)
    return true
  }

  #renew(stale: NewSession, signal: AbortSignal): Promise<NewSession> {
    const renewing = this.#current?.then(async (current) => {
      if (current !== stale) return current
      const fresh = await this.#create(signal)
      if (fresh.server_id !== stale.server_id) this.#onRestart?.(fresh.server_id)
      return fresh
    })
    this.#current = renewing?.catch((error) => {
      this.#current = undefined
      throw error
    })
    return this.#current ?? this.get(signal)
  }

  async #loadOrCreate(signal: AbortSignal): Promise<NewSession> {
    const {data: kept} = newSession.safeParse(await this.#keeper?.load())
    if (!kept) return this.#create(signal)
    addSecret(kept.session_id)
    return kept
  }

  async #create(signal: AbortSignal): Promise<NewSession> {
    const session = await this.#askForSession(signal)
    await this.#keeper?.save(session)
    return session
  }

  async #askForSession(signal: AbortSignal): Promise<NewSession> {
    try {
      const session = await this.#transport.post('GetNewSession', newSession, {}, {signal})
      addSecret(session.session_id)
      return session
    } catch (error) {
      // Without a login an account server answers HTTP 200 and only this text (recording 23).
      if (error instanceof ApiError && /unauthorized/i.test(error.text)) {
        throw new DeniedError(`${this.#transport.address.display} does not know this user.`, {
          next: "Create a token in the server's User tab and pass it with --token (AG_TOKEN).",
          cause: error,
        })
      }
      throw error
    }
  }
}
