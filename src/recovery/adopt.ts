import {embeddedTag, whyOtherTag} from '../asset/embedded-tag.ts'
import {seedBesideKey} from '../asset/key.ts'
import type {Context} from '../context.ts'
import {describePicture, fetchWhole, sha256, type WholePicture} from '../fetch-picture.ts'
import {type GeneratedImage, GenerationError} from '../server/image-server.ts'
import type {Picture, SessionRequest, SessionResult} from '../session/session.ts'
import type {OwnedSession} from '../store/session-store.ts'

/** What identifies a picture that is looked for. */
export interface Sought {
  readonly run: string
  readonly asset: string
  readonly key?: string
  readonly seed?: number
  /** The sha256 that the history recorded for it, if it got that far. */
  readonly digest?: string
}

/** What a session's history says of the picture it was to make. */
export function soughtBy(session: OwnedSession, request: SessionRequest | undefined): Sought {
  const seed = request && seedBesideKey(session.key, request)
  const digest = session.result?.picture?.sha256
  return {
    run: session.run,
    asset: session.asset,
    ...(session.key === undefined ? {} : {key: session.key}),
    ...(seed === undefined ? {} : {seed}),
    ...(digest ? {digest} : {}),
  }
}

/** The server has a picture under the name of another: it must not be taken for it. */
export class OtherPictureError extends GenerationError {
  constructor(asset: string, why: string) {
    super('missing', `The picture on the server that should be ${asset} ${why}.`, {
      next: 'It was left there. Make the asset again.',
    })
  }
}

/** Fetches a finished picture and makes sure that it is the one: by its recorded digest, else by the tag in it. */
export async function fetchSought(
  context: Context,
  sought: Sought,
  image: GeneratedImage,
  retries: {readonly retries: number; readonly retryDelayMs: number},
): Promise<WholePicture> {
  const whole = await fetchWhole(context, image.ref, {...retries, asset: sought.asset})
  const problem = whyOther(sought, whole.bytes)
  if (problem !== undefined) throw new OtherPictureError(sought.asset, problem)
  return whole
}

/** Whether a picture that was to be fetched is not on the server (any more), or is another. */
export function isNotThere(error: unknown): boolean {
  return error instanceof GenerationError && error.fault === 'missing'
}

/** Whether the server has a picture and does not send it whole. */
export function isBroken(error: unknown): boolean {
  return error instanceof GenerationError && error.fault === 'broken'
}

/** Whether nobody can tell: something does not let the picture through, or not now. */
export function isWithheld(error: unknown): boolean {
  return error instanceof GenerationError && error.fault === 'withheld'
}

/** Why bytes are not the picture sought; `undefined` when they are, or carry no sign either way. */
export function whyOther({asset, digest, ...sought}: Sought, bytes: Uint8Array): string | undefined {
  if (digest !== undefined) return sha256(bytes) === digest ? undefined : 'has other bytes than were recorded'
  return whyOtherTag({...sought, item: asset}, bytes)
}

/** Whether a file is the picture sought beyond doubt: its digest was recorded, or it carries our tag. */
export function isSought(sought: Sought, bytes: Uint8Array): boolean {
  if (whyOther(sought, bytes) !== undefined) return false
  return sought.digest !== undefined || embeddedTag(bytes)?.item === sought.asset
}

/** The result of a session whose picture was found. */
export function recoveredResult(
  whole: WholePicture,
  {path, workspace}: {readonly path: string; readonly workspace: string},
  recovered: 'disk' | 'server',
  image: Partial<GeneratedImage> = {},
): SessionResult & {readonly picture: Picture} {
  const {seed, model} = {...embeddedTag(whole.bytes), ...image}
  const picture = describePicture(whole, path, workspace)
  return {
    picture,
    ...(seed === undefined ? {} : {seed}),
    ...(model === undefined ? {} : {model}),
    recovered,
  }
}
