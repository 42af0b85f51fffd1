import type {Clock} from '../clock.ts'
import {AgError, ExitCode} from '../errors.ts'
import type {ActivitySample, ImageServer, UnknownActivity} from '../server/image-server.ts'
import type {SessionStore} from '../store/session-store.ts'
import {ownWork} from './own-work.ts'
import {Pace} from './pace.ts'
import {conclude, type Evidence, type Idleness, judgeServer, type Verdict} from './verdict.ts'
import {DISTINCT_MS, elapsed, type Moment, StabilityWindow} from './window.ts'

/** Whose work counts. `auto` is `server` that looks at its own work, too, where it may not see the server's. */
export type Scope = 'server' | 'own' | 'auto'

export interface GateOptions {
  readonly scope: Scope
  /** Milliseconds for which it must be quiet; 0 takes one look. */
  readonly stableForMs: number
  /** Milliseconds between looks; adaptive without it. */
  readonly intervalMs?: number
  /** How many pictures may wait or run all the same. */
  readonly maxQueue: number
  /** How many backends must be up. */
  readonly requireBackends: number
  /** Wait until it is busy instead. */
  readonly reverse: boolean
  readonly random?: () => number
}

/** What one server was found to be at the last look. */
export type ServerState =
  /** The verdict is known and the server could make a picture. */
  | 'idle'
  | 'busy'
  /** It answers, but not what we need to know; that may pass. */
  | 'unknown'
  | 'unreachable'
  /** Quiet, but it could not make a picture. */
  | 'unusable'
  /** It will not tell this identity; that does not pass. */
  | 'denied'

export interface Found {
  readonly state: ServerState
  readonly idleness: Idleness
  readonly reason: string
  readonly next?: string
  readonly evidence: readonly Evidence[]
  /** How many pictures wait or run, where that is known. */
  readonly queue?: number
  /** What `denied` and `unreachable` stand for. */
  readonly exitCode?: ExitCode
}

/** A server that takes longer for one answer counts as away. */
const ANSWER_WITHIN_MS = 10_000
/** A verdict that is older opens no gate. */
const FRESH_MS = 5000

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
    if (!this.#window.stable || elapsed(this.#lookedAt, this.#now()) > FRESH_MS) return false
    return this.#found.state === (this.#options.reverse ? 'busy' : 'idle')
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
    this.#found = await this.#guarded(signal, () => this.#find(signal))
    this.#looks++
    const {state} = this.#found
    const wanted = this.#options.reverse ? state === 'busy' : state === 'idle' || state === 'unusable'
    // What it said before it was restarted is not true of what it is now.
    const quiet = wanted && restarts === this.#restarts
    this.#window.add({from, to: this.#now(), quiet}, this.#sleptMs + ANSWER_WITHIN_MS)
    if (this.#window.quietMs > 0 && this.#window.stable && this.#identifiedLongAgo()) {
      this.#found = await this.#guarded(signal, async () => {
        await this.#identify(signal, {fresh: true})
        return this.#found
      })
    }
    this.#lookedAt = this.#now()
  }

  /** How long to wait before the next look. */
  nextDelay(): number {
    const {state, queue} = this.#found
    this.#sleptMs = this.#pace.next({quiet: state === 'idle' || state === 'unusable', queue})
    return this.#sleptMs
  }

  async #find(signal: AbortSignal): Promise<Found> {
    const {server} = this
    const {scope, maxQueue} = this.#options
    if (scope === 'own') {
      const thorough = this.#options.requireBackends > 1
      const sample = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS, own: true, thorough})
      const own = conclude(await ownWork({server, sessions: this.#context.sessions, signal}))
      await this.#identify(signal, {fresh: this.#wasAway})
      return this.#judge(own, sample)
    }
    const sample = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS})
    await this.#identify(signal, {fresh: this.#wasAway})
    const verdict = judgeServer(sample, maxQueue)
    const {activityUnknown: unknown} = sample
    if (unknown && unknown.because !== 'other') return this.#denied(unknown, verdict, signal)
    return this.#judge(verdict, sample)
  }

  /** The server will not tell us what others do; `auto` says what could be seen all the same. */
  async #denied(unknown: UnknownActivity, verdict: Verdict, signal: AbortSignal): Promise<Found> {
    const {server} = this
    const reason = `what others do there is not known: ${unknown.message}`
    const remedy =
      unknown.because === 'permission'
        ? 'Ask the owner of the server for the permission read_server_info_panels'
        : 'Update the server'
    const denied = {
      state: 'denied',
      next: `${remedy}, or pass --scope own to look at this workspace alone.`,
      exitCode: ExitCode.denied,
    } as const
    if (this.#options.scope !== 'auto') return {...denied, ...verdict, reason}
    const own = conclude(await ownWork({server, sessions: this.#context.sessions, signal}))
    const busy = [verdict, own].find(({idleness}) => idleness === 'busy')
    return {
      ...denied,
      idleness: busy ? 'busy' : 'unknown',
      reason: `${reason}; what can be seen: ${(busy ?? own).reason}`,
      evidence: [...verdict.evidence, ...own.evidence],
    }
  }

  #judge(verdict: Verdict, sample: ActivitySample): Found {
    const queue = sample.activity ? {queue: sample.activity.waitingGens} : {}
    if (verdict.idleness !== 'idle') return {state: verdict.idleness, ...verdict, ...queue}
    const {usable, note} = sample.readiness
    if (!usable) return {state: 'unusable', ...verdict, ...queue, reason: note ?? 'it could not make a picture'}
    return this.#judgeBackends(verdict, sample) ?? {state: 'idle', ...verdict, ...queue}
  }

  #judgeBackends(verdict: Verdict, {backends}: ActivitySample): Found | undefined {
    const wanted = this.#options.requireBackends
    if (wanted <= 1) return undefined
    if (!backends) {
      return {
        ...verdict,
        state: 'denied',
        idleness: 'unknown',
        reason: 'how many backends are up is not known: this user lacks the permission view_backends_list',
        next: 'Ask the owner of the server for the permission, or leave out --require-backends.',
        exitCode: ExitCode.denied,
      }
    }
    const up = backends.filter(({enabled, status}) => enabled && status === 'running').length
    return up >= wanted
      ? undefined
      : {...verdict, state: 'unusable', reason: `${up} of ${wanted} required backends are up`}
  }

  #identifiedLongAgo(): boolean {
    return elapsed(this.#identifiedAt, this.#now()) >= DISTINCT_MS
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

  async #guarded(signal: AbortSignal, find: () => Promise<Found>): Promise<Found> {
    try {
      return await find()
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
        exitCode: denied ? ExitCode.denied : ExitCode.unreachable,
      }
    }
  }

  #now(): Moment {
    return {wall: this.#context.clock.now(), monotonic: this.#context.clock.monotonic()}
  }
}
