import {join} from 'node:path'
import type {Asset} from '../asset/asset.ts'
import {refuseIfCancelled} from '../cancellation/request.ts'
import type {Context} from '../context.ts'
import {endingOf, messageOf, stopsTheRun} from '../ending.ts'
import {AgError, CancelledError} from '../errors.ts'
import {describePicture, type WholePicture} from '../fetch-picture.ts'
import {fetchSought, isBroken, isNotThere, isWithheld, recoveredResult, soughtBy} from '../recovery/adopt.ts'
import {type Case, caseOfSession} from '../recovery/case.ts'
import {findOnDisk, readOnDisk} from '../recovery/find-on-disk.ts'
import type {Places} from '../recovery/place.ts'
import {askServer, type ServerAnswer} from '../recovery/server-evidence.ts'
import {judgeSession, type RecoveryVerdict} from '../recovery/verdict.ts'
import {type GeneratedImage, GenerationError} from '../server/image-server.ts'
import {isSettled} from '../session/history-line.ts'
import type {Picture, SessionResult} from '../session/session.ts'
import type {ClaimedWriter, OwnedSession, SessionWriter} from '../store/session-store.ts'
import {writePicture} from '../write-picture.ts'
import type {EarlierWork} from './earlier-work.ts'
import {sentElsewhere} from './elsewhere.ts'
import {RunStoppedError} from './make-picture.ts'
import {makeRoom} from './make-room.ts'
import type {Making} from './making.ts'
import {type AssetOutcome, failedOutcome} from './outcome.ts'
import {recordSession} from './picture-session.ts'

export interface EarlierSessions {
  /** Of one asset, the newest first. */
  readonly sessions: readonly OwnedSession[]
  readonly work: EarlierWork
}

const LOOK_AGAIN_MS = 1000
/** For so long nobody gives up a picture of which nobody can tell whether it is on its way. */
const PATIENCE_MS = 120_000
/** From the begin of its session on; nothing that is tried in between begins it anew. */
const UNREADABLE_FOR_MS = 30 * 60_000

/**
 * Takes an asset's picture from an earlier session that was sent to the server: what is finished is adopted, what still runs is
 * waited for, what died is settled. `undefined` when the picture has to be made: every earlier request for it is known to
 * have died. When nobody can tell, the outcome is `lost`: asking again might pay twice. `live`: another process was faster.
 *
 * Throws `RunStoppedError` when no other asset could fare better.
 */
export async function adoptEarlier(
  context: Context,
  making: Making,
  asset: Asset,
  {sessions, work}: EarlierSessions,
): Promise<AssetOutcome | {readonly live: OwnedSession} | undefined> {
  for (const session of sessions) {
    const attempt = new Adoption(context, making, asset, session, work)
    try {
      const outcome = isSettled(session) ? await attempt.fromSettled() : await attempt.fromOrphan()
      if (outcome) return outcome
    } catch (error) {
      // What was taken over and is not settled, the next run, or `ag recover`, goes on with.
      const outcome: AssetOutcome = {asset: asset.id, session: session.id, state: 'pending'}
      if (context.signal.aborted) return outcome
      if (stopsTheRun(error)) throw new RunStoppedError(outcome, error)
      if (!(error instanceof AgError)) throw error
      return failedOutcome(context, asset, session.id, endingOf(error, context.signal))
    }
  }
  return undefined
}

type Decision =
  | {readonly verdict: RecoveryVerdict; readonly image?: GeneratedImage; readonly elsewhere?: undefined}
  | {readonly elsewhere: string}

interface Found {
  readonly whole: WholePicture
  readonly recovered: 'disk' | 'server'
  readonly image?: GeneratedImage
}

/** One earlier session, and the asset whose picture it may have. */
class Adoption {
  readonly #context: Context
  readonly #making: Making
  readonly #asset: Asset
  readonly #session: OwnedSession
  readonly #work: EarlierWork
  readonly #started: number

  constructor(context: Context, making: Making, asset: Asset, session: OwnedSession, work: EarlierWork) {
    this.#context = context
    this.#making = making
    this.#asset = asset
    this.#session = session
    this.#work = work
    this.#started = context.clock.monotonic()
  }

  /** A session that nobody brought to its end: it is taken over, and brought to it. */
  async fromOrphan(): Promise<AssetOutcome | {readonly live: OwnedSession} | undefined> {
    const {sessions, report} = this.#context
    const options = {places: this.#places(), giveUpAfterMs: PATIENCE_MS, force: false}
    const one = await caseOfSession(this.#context, options, this.#session)
    const first = this.#work.answers.get(one.id)
    if (first?.server === 'unknown' && first.elsewhere && !one.onDisk)
      return sentElsewhere(this.#context, this.#asset, this.#session, first.elsewhere)
    const writer = await sessions.claim(this.#session.id)
    if (!writer) return {live: this.#session}
    report({event: 'asset.started', asset: this.#asset.id, session: this.#session.id})
    try {
      return await this.#bringToEnd(one, writer)
    } catch (error) {
      await this.#leave(writer, error)
      throw error
    }
  }

  /** What is ours would be waited for as long as this process lives: it is over, or anybody's again. Where all of the run ends, that is not long. */
  async #leave(writer: ClaimedWriter, error: unknown): Promise<void> {
    if (this.#context.signal.aborted || stopsTheRun(error)) return
    if ((error instanceof GenerationError && !this.#mayComeThrough(error)) || error instanceof CancelledError) {
      const {state, reason, message} = endingOf(error, this.#context.signal)
      await this.#settle(writer, isBroken(error) ? 'lost' : state, reason, message)
    } else if (error instanceof AgError) await writer.release()
  }

  /** What is not let through, and for a while what the server cannot read: it may be writing it. */
  #mayComeThrough(error: GenerationError): boolean {
    const age = this.#context.clock.now() - Date.parse(this.#session.startedAt)
    return isWithheld(error) || (isBroken(error) && age < UNREADABLE_FOR_MS)
  }

  async #bringToEnd(one: Case, writer: ClaimedWriter): Promise<AssetOutcome | undefined> {
    const decision = await this.#decide(one)
    if (decision.elsewhere !== undefined) {
      await writer.release()
      return sentElsewhere(this.#context, this.#asset, this.#session, decision.elsewhere)
    }
    const {verdict, image} = decision
    if (verdict.action === 'adopt_from_disk' && one.onDisk) {
      return this.#settleWith(writer, await readOnDisk(one.onDisk), 'disk')
    }
    if (verdict.action === 'adopt_from_server' && image) {
      const whole = await this.#fetchOrSettle(writer, image)
      return whole && this.#settleWith(writer, whole, 'server', image)
    }
    const {state, reason, because} = verdict
    const ended = state === 'failed' || state === 'cancelled' ? state : 'lost'
    await this.#settle(writer, ended, reason, `Found after its process died: ${because}.`)
    return verdict.reason === 'outcome_unknown' ? this.#lost(because) : undefined
  }

  /** A picture that is gone, or another, is made anew at once. */
  async #fetchOrSettle(writer: SessionWriter, image: GeneratedImage): Promise<WholePicture | undefined> {
    try {
      return await this.#fetch(image)
    } catch (error) {
      if (!isNotThere(error)) throw error
      await this.#settle(writer, 'lost', 'gone', messageOf(error))
      return undefined
    }
  }

  async #settle(
    writer: SessionWriter,
    state: 'failed' | 'cancelled' | 'lost',
    reason: string,
    error: string,
  ): Promise<void> {
    await writer.append({event: state, state, message: error, result: {error, reason}})
  }

  /** A session that is over: its picture may be on the server all the same, or was here once. */
  async fromSettled(): Promise<AssetOutcome | undefined> {
    const found = (await this.#onDisk()) ?? (await this.#onServer())
    if (!found) return undefined
    const {whole, recovered, image} = found
    const path = await this.#makeRoom(whole)
    const result = recoveredResult(whole, {path, workspace: this.#making.workspace}, recovered, image)
    await writePicture(path, whole.bytes)
    // It is where and what its history says: nothing new is to be told.
    if (this.#session.state === 'completed' && this.#session.result?.picture?.path === result.picture.path) {
      return this.#adopted(this.#session.id, result)
    }
    const message = `Found on ${recovered === 'disk' ? 'disk' : 'the server'}, from ${this.#session.id}`
    const event = {event: 'recovered', state: 'completed', progress: 1, message, result} as const
    const id = await recordSession(this.#context, this.#making, this.#asset, event)
    return this.#adopted(id, result)
  }

  /** Where recovery has put it, because its own place was taken then. */
  async #onDisk(): Promise<Found | undefined> {
    const {sessions} = this.#context
    if (this.#session.state !== 'completed') return undefined
    const there = await findOnDisk(this.#places(), this.#session, await sessions.request(this.#session.id))
    return there && {whole: await readOnDisk(there), recovered: 'disk'}
  }

  async #onServer(): Promise<Found | undefined> {
    let answer = this.#work.answers.get(this.#session.id)
    if (answer?.server === 'running') this.#tellOfWait('the server still works on it')
    while (answer?.server === 'running') {
      await refuseIfCancelled(this.#making.attendance, this.#session.id)
      answer = await this.#askAgain()
    }
    if (answer?.server !== 'picture') return undefined
    const whole = await this.#fetch(answer.image).catch((error: unknown) => {
      // It was given up before; what the server has of it is no picture, or another's.
      if (isBroken(error) || isNotThere(error)) return undefined
      throw error
    })
    return whole && {whole, recovered: 'server', image: answer.image}
  }

  #places(): Places {
    const {workspace, outputDirectory} = this.#making
    const declared = new Map([[this.#asset.id, this.#asset]])
    return {workspace, outputDirectory, declared, sessionsOutput: join(workspace, 'output')}
  }

  /** What has become of it; waits while the server works on it, and for a while when nobody can tell. */
  async #decide(one: Case): Promise<Decision> {
    const {clock} = this.#context
    let answer = this.#work.answers.get(one.id)
    for (let looks = 0; ; looks++) {
      const age = clock.monotonic() - this.#started > PATIENCE_MS ? 'given_up' : 'fresh'
      const verdict = judgeSession({...one.witnesses, age, ...(answer ? {server: answer.server} : {})})
      const isHere = verdict.action === 'adopt_from_disk'
      if (!isHere && answer?.server === 'unknown' && answer.elsewhere !== undefined)
        return {elsewhere: answer.elsewhere}
      const isOpen = verdict.action === 'reattach' || verdict.action === 'none' || verdict.action === 'ask_server'
      if (!isOpen) return {verdict, ...(answer?.server === 'picture' ? {image: answer.image} : {})}
      if (looks === 0) this.#tellOfWait(verdict.because)
      answer = await this.#askAgain()
      // In this order: what is gone because it was cancelled is not lost, and what is finished is taken.
      if (answer?.server !== 'picture') await refuseIfCancelled(this.#making.attendance, one.id)
    }
  }

  #tellOfWait(because: string): void {
    const message = `${this.#asset.id} was asked for before (${this.#session.id}): waiting for it, because ${because}.`
    this.#context.report({event: 'notice', message})
  }

  async #askAgain(): Promise<ServerAnswer | undefined> {
    const {clock, signal} = this.#context
    await clock.sleep(LOOK_AGAIN_MS, signal)
    const {id, run} = this.#session
    const question = this.#work.questions.get(id)
    return question && (await askServer(this.#context, run, [question])).get(id)
  }

  /** The picture, if it is the one; throws as `fetchSought` does. */
  async #fetch(image: GeneratedImage): Promise<WholePicture> {
    const request = await this.#context.sessions.request(this.#session.id)
    return fetchSought(this.#context, soughtBy(this.#session, request), image, this.#making)
  }

  async #settleWith(
    writer: SessionWriter,
    whole: WholePicture,
    recovered: 'disk' | 'server',
    image?: GeneratedImage,
  ): Promise<AssetOutcome> {
    const {workspace} = this.#making
    const path = await this.#makeRoom(whole)
    const picture = describePicture(whole, path, workspace)
    await writer.append({event: 'fetched', state: 'generating', progress: 1, message: 'Fetched', result: {picture}})
    await writePicture(path, whole.bytes)
    const result = recoveredResult(whole, {path, workspace}, recovered, image)
    const message = `Found on ${recovered === 'disk' ? 'disk' : 'the server'}`
    await writer.append({event: 'recovered', state: 'completed', progress: 1, message, result})
    return this.#adopted(writer.id, result)
  }

  #makeRoom({facts}: WholePicture): Promise<string> {
    return makeRoom(this.#context, this.#making, this.#asset, facts.format)
  }

  #adopted(session: string, {picture, seed, model}: SessionResult & {readonly picture: Picture}): AssetOutcome {
    const {report, clock} = this.#context
    const used = {...(seed === undefined ? {} : {seed}), ...(model === undefined ? {} : {model})}
    const duration_seconds = Math.round(clock.monotonic() - this.#started) / 1000
    const asset = this.#asset.id
    const {path, bytes, sha256} = picture
    const done = {asset, session, ...used, duration_seconds, source: 'adopted' as const}
    report({event: 'asset.completed', ...done, path, bytes, sha256})
    return {...done, state: 'completed', picture}
  }

  #lost(because: string): AssetOutcome {
    const message = `It was asked for before, and ${because}.`
    const next = 'Run the same command again to ask for it anew.'
    const ending = {state: 'lost', reason: 'outcome_unknown', message, next} as const
    return failedOutcome(this.#context, this.#asset, this.#session.id, ending)
  }
}
