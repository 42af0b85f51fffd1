import type {Asset} from '../asset/asset.ts'
import type {Context} from '../context.ts'
import type {Ending} from '../ending.ts'
import type {Picture} from '../session/session.ts'
import type {OwnedSession} from '../store/session-store.ts'
import type {Why} from './resume.ts'

interface Tried {
  readonly asset: string
  /** Why it was, or is, to be made. */
  readonly why?: Why
  readonly seed?: number
  readonly duration_seconds?: number
}

/** An asset whose picture is there. */
export interface CompletedAsset extends Tried {
  readonly state: 'completed'
  /** Whether the picture was made, was here before, or was found on the server or the disk. */
  readonly source: 'made' | 'kept' | 'adopted'
  readonly session: string
  readonly picture: Picture
  readonly model?: string
}

/** An asset whose picture is not there, and why not, where something was tried. */
export interface UnfinishedAsset extends Tried {
  readonly state: 'failed' | 'cancelled' | 'lost' | 'pending'
  readonly session?: string
  readonly error?: {readonly reason: string; readonly message: string; readonly next?: string}
}

/** How one asset came out. */
export type AssetOutcome = CompletedAsset | UnfinishedAsset

/** A picture that is where it belongs, and the session that made it. */
export interface Kept {
  readonly session: OwnedSession
  readonly picture: Picture
}

/** A picture is there, made by whomever. */
export function isCompleted(outcome: AssetOutcome): outcome is CompletedAsset {
  return outcome.state === 'completed'
}

/** A picture was there before. */
export function isKept(outcome: AssetOutcome): boolean {
  return isCompleted(outcome) && outcome.source === 'kept'
}

/** The outcome of an asset whose picture is there already. */
export function keptOutcome(asset: Asset, {session, picture}: Kept): CompletedAsset {
  const {seed, model} = session.result ?? {}
  const used = {...(seed === undefined ? {} : {seed}), ...(model === undefined ? {} : {model})}
  return {asset: asset.id, session: session.id, state: 'completed', source: 'kept', picture, ...used}
}

/** The outcome of an asset that was not made; tells why. */
export function failedOutcome(
  {report}: Context,
  {id: asset}: Asset,
  session: string,
  {state, reason, message, next}: Ending,
): UnfinishedAsset {
  const error = {reason, message, ...(next ? {next} : {})}
  report({event: 'asset.failed', asset, session, state, ...error})
  return {asset, session, state, error}
}
