import type {Clock} from '../clock.ts'
import {AgError, ExitCode} from '../errors.ts'
import type {ImageServer} from '../server/image-server.ts'
import type {SessionStore} from '../store/session-store.ts'
import {ANSWER_WITHIN_MS, type Found, find, type WhatCounts} from './find.ts'
import {Pace} from './pace.ts'
import {elapsed, type Moment, StabilityWindow} from './window.ts'

export interface GateOptions extends WhatCounts {
  /** Milliseconds for which it must be quiet; 0 takes one look. */
  readonly stableForMs: number
  /** Milliseconds between looks; adaptive without it. */
  readonly intervalMs?: number
  /** Wait until it is busy instead. */
  readonly reverse: boolean
  readonly random?: () => number
}

/** While an open server waits for others, it is asked from time to time whether it was restarted. */
const IDENTIFY_EVERY_MS = 10_000

interface WatchContext {
  readonly sessions: SessionStore
  readonly clock: Clock
}

/** One server under observation: one look at a time, the window in which it was quiet, and whether it was restarted. */
export class ServerWatch {
  readonly server: ImageServer
  readonly #context: WatchContext
  readonly #options: GateOptions
  readonly #window: StabilityWindow
  readonly #pace: Pace
  #found: Found = {state: 'unknown', idleness: 'unknown', reason: 'it has not answered yet', evidence: []}
  #lookedAt: Moment
  #open = false
  #identifiedAt: Moment
  #serverId: string | undefined
  #wasAway = false
  #sleptMs = 0
  #looks = 0
  #restarts = 0

  constructor(server: ImageServer, context: WatchContext, options: GateOptions) {
    this.server = server
    this.#context = context
    this.#options = options
    this.#window = new StabilityWindow(options.stableForMs)
    this.#pace = new Pace(options.intervalMs, options.random)
    this.#lookedAt = this.#now()
    this.#identifiedAt = this.#lookedAt
  }

  get found(): Found {
    return this.#found
  }

  get looks(): number {
    return this.#looks
  }

  /** How often the server was found to have been started anew. */
  get restarts(): number {
    return this.#restarts
  }

  /** Milliseconds for which it has been what we wait for. */
  get quietMs(): number {
    return this.#window.quietMs
  }

  /** What we wait for holds, has held for the whole window, and was seen a moment ago. */
  get open(): boolean {
    return this.#open && elapsed(this.#lookedAt, this.#now()) <= this.#sleptMs + ANSWER_WITHIN_MS
  }

  /** Waiting longer will not help: it will not tell us, or it stays quiet and useless. */
  get hopeless(): boolean {
    return this.#found.state === 'denied' || (this.#found.state === 'unusable' && this.#window.stable)
  }

  /**
   * Looks once, and before it calls a window stable asks who the server is: a restart shows in no counter, it only empties
   * them. Throws only the signal's reason.
   */
  async look(signal: AbortSignal): Promise<void> {
    const from = this.#now()
    const restarts = this.#restarts
    const before = this.#found.state
    const wasStable = this.#window.stable
    this.#found = await this.#guarded(signal, () => this.#find(signal))
    this.#looks++
    const {state} = this.#found
    if (state !== before) this.#window.restart()
    const wanted = this.#options.reverse ? state === 'busy' : state === 'idle' || state === 'unusable'
    // What it said before it was restarted is not true of what it is now.
    const quiet = wanted && restarts === this.#restarts
    this.#window.add({from, to: this.#now(), quiet}, this.#sleptMs + ANSWER_WITHIN_MS)
    if (this.#window.stable && this.#window.quietMs > 0 && (!wasStable || this.#identifiedLongAgo())) {
      this.#found = await this.#guarded(signal, async () => {
        await this.#identify(signal, {fresh: true})
        return this.#found
      })
    }
    // What it said is true of a moment after it was asked, and no later one.
    this.#lookedAt = from
    this.#open = this.#window.stable && this.#found.state === (this.#options.reverse ? 'busy' : 'idle')
  }

  /** How long to wait before the next look. */
  nextDelay(): number {
    const {state, queue} = this.#found
    this.#sleptMs = this.#pace.next({quiet: state === 'idle' || state === 'unusable', queue})
    return this.#sleptMs
  }

  async #find(signal: AbortSignal): Promise<Found> {
    const {sessions} = this.#context
    const found = await find({server: this.server, sessions, signal}, this.#options)
    await this.#identify(signal, {fresh: this.#wasAway})
    return found
  }

  #identifiedLongAgo(): boolean {
    return elapsed(this.#identifiedAt, this.#now()) >= Math.max(IDENTIFY_EVERY_MS, this.#options.stableForMs)
  }

  async #identify(signal: AbortSignal, {fresh}: {fresh: boolean}): Promise<void> {
    const known = this.#serverId
    this.#serverId = await this.server.serverId({signal, fresh: fresh && known !== undefined})
    if (fresh || known === undefined) this.#identifiedAt = this.#now()
    this.#wasAway = false
    if (known === undefined || known === this.#serverId) return
    this.#restarts++
    this.#window.restart()
  }

  /** What `look` finds; a server that is away or does not know us is a finding, too. */
  async #guarded(signal: AbortSignal, look: () => Promise<Found>): Promise<Found> {
    try {
      return await look()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AgError)) throw error
      this.#wasAway = true
      this.#window.restart()
      const denied = error.exitCode === ExitCode.denied
      return {
        state: denied ? 'denied' : 'unreachable',
        idleness: 'unknown',
        reason: error.message,
        ...(error.next ? {next: error.next} : {}),
        evidence: [{source: this.server.address, says: 'unknown', detail: error.message}],
      }
    }
  }

  #now(): Moment {
    return {wall: this.#context.clock.now(), monotonic: this.#context.clock.monotonic()}
  }
}
