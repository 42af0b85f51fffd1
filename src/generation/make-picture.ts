import type {Asset} from '../asset/asset.ts'
import {embeddedTag} from '../asset/embedded-tag.ts'
import {assetKey, seedBesideKey} from '../asset/key.ts'
import {CollateralError, judgeInterruption, refuseIfCancelled} from '../cancellation/request.ts'
import type {Context} from '../context.ts'
import {endingOf, messageOf, stopsTheRun} from '../ending.ts'
import {type AgError, UnreachableError} from '../errors.ts'
import {describePicture, fetchWhole, type WholePicture} from '../fetch-picture.ts'
import {withRetries} from '../retry.ts'
import {findOwn} from '../server/find-own.ts'
import {type GeneratedImage, GenerationError} from '../server/image-server.ts'
import type {Picture, SessionResult} from '../session/session.ts'
import type {SessionWriter} from '../store/session-store.ts'
import {foreignLine} from '../text.ts'
import {writePicture} from '../write-picture.ts'
import {makeRoom} from './make-room.ts'
import type {Making} from './making.ts'
import {type AssetOutcome, failedOutcome} from './outcome.ts'
import {SessionLedger} from './session-ledger.ts'

/** Thrown when going on with other assets makes no sense: the server is away, the disk is full. */
export class RunStoppedError extends Error {
  readonly outcome: AssetOutcome
  override readonly cause: AgError

  constructor(outcome: AssetOutcome, cause: AgError) {
    super(cause.message)
    this.outcome = outcome
    this.cause = cause
  }
}

/**
 * Makes one asset's picture in the session that was opened for it: writes the intent before the request and the server's handle after it,
 * fetches and checks the picture, puts it in place whole, and settles the session. An asset that fails is an outcome, not
 * an exception.
 *
 * Throws `RunStoppedError` when no other asset could fare better.
 */
export async function makePicture(
  context: Context,
  making: Making,
  asset: Asset,
  writer: SessionWriter,
): Promise<AssetOutcome> {
  const {clock, report} = context
  const started = clock.monotonic()
  const seconds = (): number => Math.round(clock.monotonic() - started) / 1000
  const session = writer.id
  const history = new SessionLedger(writer)
  report({event: 'asset.started', asset: asset.id, session})
  try {
    const image = await submit(context, making, asset, session, history)
    const whole = await fetchWhole(context, image.ref, {...making, asset: asset.id})
    const picture = await putInPlace(context, making, asset, whole, history)
    const {seed, model} = {...embeddedTag(whole.bytes), ...image}
    warnOfOtherModel(context, asset, model)
    const used = {...(seed === undefined ? {} : {seed}), ...(model === undefined ? {} : {model})}
    await history.write({
      event: 'completed',
      state: 'completed',
      progress: 1,
      message: 'Done',
      result: {picture, ...used},
    })
    const {path, bytes: size, sha256} = picture
    report({
      event: 'asset.completed',
      asset: asset.id,
      session,
      path,
      bytes: size,
      sha256,
      ...used,
      duration_seconds: seconds(),
      source: 'made',
    })
    return {asset: asset.id, session, state: 'completed', source: 'made', picture, ...used, duration_seconds: seconds()}
  } catch (error) {
    if (context.signal.aborted) await making.interrupt()
    const {state, reason, message, next} = endingOf(error, context.signal)
    const result: SessionResult = {error: message, reason}
    const unsettled = await history.write({event: state, state, message, result}).catch((failure: unknown) => failure)
    const ended = failedOutcome(context, asset, session, {state, reason, message, next})
    const outcome = {...ended, duration_seconds: seconds()}
    const stop = [error, unsettled].find(stopsTheRun)
    if (stop) throw new RunStoppedError(outcome, stop)
    return outcome
  }
}

/** SwarmUI may still take another model than the one it was asked for; the picture is kept, but not in silence. */
function warnOfOtherModel({report}: Context, asset: Asset, used: string | undefined): void {
  const wanted = asset.parameters['model']
  if (used === undefined || typeof wanted !== 'string' || used.toLowerCase() === wanted.toLowerCase()) return
  const message = `${asset.id} was made with the model "${foreignLine(used)}", not "${foreignLine(wanted)}".`
  report({event: 'notice', message})
}

async function submit(
  context: Context,
  making: Making,
  asset: Asset,
  session: string,
  history: SessionLedger,
): Promise<GeneratedImage> {
  const {server, clock, signal, report} = context
  const key = assetKey(asset, server)
  const seed = seedBesideKey(key, asset)
  const tag = {run: making.attendance.run, item: asset.id, key, ...(seed === undefined ? {} : {seed})}
  const request = {parameters: asset.parameters, tag}
  let sent = false
  const attempt = async (): Promise<GeneratedImage> => {
    await refuseIfCancelled(making.attendance, session)
    // What failed on our side of the connection may have been finished on the other.
    const finished = sent ? await findOwn(server, request, signal) : undefined
    if (finished) return finished
    sent = true
    await history.write({
      event: 'intent',
      state: 'starting',
      message: 'Sending the request',
      submission: {kind: server.kind, phase: 'intent'},
    })
    const sentAt = clock.now()
    try {
      return await generate()
    } catch (error) {
      const judged = await judgeInterruption(context, {attendance: making.attendance, session, sentAt}, error)
      if (!(judged instanceof CollateralError)) throw judged
      // Nobody meant this one: it is no failure that counts, and begins again once the other has had time to end.
      await clock.sleep(making.retryDelayMs, signal)
      return attempt()
    }
  }
  const generate = (): Promise<GeneratedImage> =>
    server.generate(request, {
      signal,
      onSending: making.keepCredential,
      onAccepted: (handle) => {
        history.note({
          event: 'submitted',
          state: 'generating',
          message: 'Accepted by the server',
          submission: {kind: server.kind, phase: 'ack', handle},
        })
      },
      onLost: () => {
        const message = `${asset.id}: the connection broke. The server goes on; looking for the picture there.`
        report({event: 'notice', message})
      },
      onProgress: ({fraction, step, steps}) => {
        const message = step && steps ? `Sampling ${step}/${steps}` : 'Generating'
        history.note({event: 'progress', state: 'generating', progress: fraction, message})
        const sampling = step && steps ? {step, steps} : {}
        report({event: 'asset.progress', asset: asset.id, session, progress: fraction, ...sampling})
      },
    })
  return withRetries(attempt, {
    retries: making.retries,
    delayMs: making.retryDelayMs,
    clock,
    signal,
    transient: (error) =>
      error instanceof UnreachableError || (error instanceof GenerationError && error.fault === 'failed'),
    onRetry: async (error, attempt, delayMs) => {
      const message = messageOf(error)
      await history.write({event: 'retrying', state: 'starting', progress: 0, message})
      report({event: 'asset.retrying', asset: asset.id, session, attempt, delay_seconds: delayMs / 1000, message})
    },
  })
}

/** Records the picture's digest before the picture is there: whoever finds it can tell that it is the one, and whole. */
async function putInPlace(
  context: Context,
  making: Making,
  asset: Asset,
  whole: WholePicture,
  history: SessionLedger,
): Promise<Picture> {
  const path = await makeRoom(context, making, asset, whole.facts.format)
  const picture = describePicture(whole, path, making.workspace)
  await history.write({event: 'fetched', state: 'generating', progress: 1, message: 'Fetched', result: {picture}})
  await writePicture(path, whole.bytes)
  return picture
}
