import type {Asset} from '../asset/asset.ts'
import type {Context} from '../context.ts'
import {AgError, CancelledError} from '../errors.ts'
import {isSettled} from '../session/history-line.ts'
import {isOrphan} from '../session/owner.ts'
import type {OwnedSession} from '../store/session-store.ts'
import {adoptEarlier, type EarlierSessions} from './adopt-earlier.ts'
import {askAboutEarlier, type EarlierWork} from './earlier-work.ts'
import {cancelledElsewhere, type Left, madeElsewhere} from './elsewhere.ts'
import {makePicture, RunStoppedError} from './make-picture.ts'
import type {Making} from './making.ts'
import {type DoneMeanwhile, Meanwhile} from './meanwhile.ts'
import {type AssetOutcome, type Kept, keptOutcome} from './outcome.ts'
import {beginSession} from './picture-session.ts'
import {mayHavePicture, type Resumption} from './resume.ts'

export interface MakeAllOptions {
  readonly making: Making
  readonly resumption: Resumption
  /** What the server said of earlier sessions before anything was sent. */
  readonly work: EarlierWork
  /** How many pictures are asked for at once. */
  readonly concurrency: number
  /** Start nothing more after the first failure. */
  readonly failFast: boolean
  /** Make every picture, whatever other processes do. */
  readonly regardless: boolean
}

/** What became of the assets that were tried, and why the others were not. */
export interface MadeAll {
  readonly outcomes: ReadonlyMap<string, AssetOutcome>
  readonly stopped: AgError | undefined
}

/**
 * Obtains the pictures of all these assets, some at a time, each from where it costs least. What another process makes at this
 * moment is waited for when everything else is done; what that one leaves undone, because it failed or died, is made here.
 *
 * One failing asset does not stop the others. Throws only what nobody foresaw.
 */
export async function makeAll(context: Context, assets: readonly Asset[], options: MakeAllOptions): Promise<MadeAll> {
  const run = new Run(context, options)
  await run.makeAll(assets)
  return run
}

/** What became of an asset, or the session in which another process makes it. */
type Obtained = AssetOutcome | {readonly live: OwnedSession}

const LOOK_AGAIN_MS = 500
const TELL_AGAIN_MS = 60_000

class Run implements MadeAll {
  readonly outcomes = new Map<string, AssetOutcome>()
  stopped: AgError | undefined
  readonly #context: Context
  readonly #options: MakeAllOptions
  readonly #meanwhile: Meanwhile | undefined
  #failedFast = false
  #unforeseen: unknown
  /** Pictures that other processes make, and when that was last told. */
  #awaited = 0
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(context: Context, options: MakeAllOptions) {
    const {workspace, attendance} = options.making
    const {run} = attendance
    const {settled} = options.resumption
    this.#context = context
    this.#options = options
    this.#meanwhile = options.regardless ? undefined : new Meanwhile(context, {workspace, run, settled})
  }

  async makeAll(assets: readonly Asset[]): Promise<void> {
    const {resumption, work} = this.#options
    const others = new Map<Asset, OwnedSession>()
    await this.#workOff(assets, async (asset) => {
      const planned = resumption.elsewhere.get(asset.id)
      const sessions = resumption.earlier.get(asset.id) ?? []
      const obtained = planned ? {live: planned} : await this.#obtain(asset, {sessions, work})
      if (!('live' in obtained)) return obtained
      others.set(asset, obtained.live)
      return madeElsewhere(asset, obtained.live)
    })
    this.#awaited = others.size
    await this.#workOff([...others.keys()], async (asset) => {
      const outcome = await this.#waitFor(asset, others.get(asset) as OwnedSession)
      this.#awaited--
      return outcome
    })
  }

  async #workOff(assets: readonly Asset[], obtain: (asset: Asset) => Promise<AssetOutcome>): Promise<void> {
    const queue = assets.values()
    const work = async (): Promise<void> => {
      for (const asset of queue) {
        if ((await this.#isOver()) || !(await this.#tryOne(asset, obtain))) return
      }
    }
    await Promise.all(Array.from({length: Math.min(this.#options.concurrency, assets.length)}, work))
    // Only now: what the others had on its way is in its history.
    if (this.#unforeseen !== undefined) throw this.#unforeseen
  }

  /** False when nothing more can be done, whatever the asset. */
  async #tryOne(asset: Asset, obtain: (asset: Asset) => Promise<AssetOutcome>): Promise<boolean> {
    try {
      const outcome = await obtain(asset)
      this.outcomes.set(asset.id, outcome)
      // One that another process makes is pending, and has not failed.
      this.#failedFast ||= this.#options.failFast && outcome.state !== 'completed' && outcome.state !== 'pending'
      return true
    } catch (error) {
      if (error instanceof RunStoppedError) this.outcomes.set(asset.id, error.outcome)
      const cause = error instanceof RunStoppedError ? error.cause : error
      if (cause instanceof AgError) this.stopped ??= cause
      else this.#unforeseen ??= cause
      return false
    }
  }

  async #isOver(): Promise<boolean> {
    if (this.#context.signal.aborted || this.stopped || this.#failedFast || this.#unforeseen !== undefined) return true
    return this.#options.making.attendance.cancelRequested()
  }

  /** From an earlier session, from another process, or by making it. */
  async #obtain(asset: Asset, earlier: EarlierSessions): Promise<Obtained> {
    const {making} = this.#options
    this.#meanwhile?.lookedInto(earlier.sessions)
    const adopted = await adoptEarlier(this.#context, making, asset, earlier)
    if (adopted) return adopted
    const begun = await this.#context.sessions.exclusively(
      async () => (await this.#meanwhile?.lookFor(asset)) ?? beginSession(this.#context, making, asset),
    )
    if ('append' in begun) return makePicture(this.#context, making, asset, begun)
    return this.#take(asset, begun)
  }

  /** What another process has done of a picture is taken; what it has left at the server, as if it had been there before. */
  async #take(asset: Asset, done: DoneMeanwhile): Promise<Obtained> {
    if ('kept' in done) return this.#keptMeanwhile(asset, done.kept)
    return 'left' in done ? this.#obtain(asset, await this.#askAbout(asset, done.left)) : done
  }

  async #askAbout(asset: Asset, sessions: readonly OwnedSession[]): Promise<EarlierSessions> {
    return {sessions, work: await askAboutEarlier(this.#context, {earlier: new Map([[asset.id, sessions]])})}
  }

  /** Waits for another process's session to come to its end. */
  async #waitFor(asset: Asset, {id}: OwnedSession): Promise<AssetOutcome> {
    const {sessions} = this.#context
    let other = await sessions.get(id)
    for (; other?.ownerStanding === 'alive' && !isSettled(other); other = await sessions.get(id))
      await this.#lookLater()
    if (other && !isSettled(other) && !isOrphan(other)) return this.#leave(madeElsewhere(asset, other))
    if (other?.state === 'cancelled') return this.#leave(cancelledElsewhere(asset, other))
    const obtained = await this.#obtainAfter(asset, other)
    if (!('live' in obtained)) return obtained
    // A third process was faster.
    await this.#lookLater()
    return this.#waitFor(asset, obtained.live)
  }

  async #obtainAfter(asset: Asset, other: OwnedSession | undefined): Promise<Obtained> {
    const done = await this.#meanwhile?.lookFor(asset)
    if (done) return this.#take(asset, done)
    return this.#obtain(asset, await this.#askAbout(asset, other && mayHavePicture(other) ? [other] : []))
  }

  async #lookLater(): Promise<void> {
    const {clock, signal, report} = this.#context
    if (await this.#options.making.attendance.cancelRequested()) throw new CancelledError()
    if (clock.monotonic() - this.#toldAt >= TELL_AGAIN_MS) {
      this.#toldAt = clock.monotonic()
      const pictures = this.#awaited === 1 ? 'a picture' : `${this.#awaited} pictures`
      report({event: 'notice', message: `Waiting for ${pictures} that another process is making.`})
    }
    await clock.sleep(LOOK_AGAIN_MS, signal)
  }

  #leave(left: Left): AssetOutcome {
    const {message, next} = left.error
    this.#context.report({event: 'notice', message: `${message} ${next}`})
    return left
  }

  #keptMeanwhile(asset: Asset, kept: Kept): AssetOutcome {
    this.#context.report({event: 'notice', message: `${asset.id} was made by another process meanwhile.`})
    return keptOutcome(asset, kept)
  }
}
