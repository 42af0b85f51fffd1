import type {Asset} from '../asset/asset.ts'
import type {Context} from '../context.ts'
import type {Ending} from '../ending.ts'
import type {Picture} from '../session/session.ts'
import type {OwnedSession} from '../store/session-store.ts'
import type {Why} from './resume.ts'

/** How one asset came out. */
export interface AssetOutcome {
  readonly asset: string
  readonly session?: string
  readonly state: 'completed' | 'failed' | 'cancelled' | 'lost' | 'pending'
  /** Whether the picture was made, was here before, or was found on the server or the disk. */
  readonly source?: 'made' | 'kept' | 'adopted'
  /** Why it was, or is, to be made. */
  readonly why?: Why
  readonly picture?: Picture
  readonly seed?: number
  readonly model?: string
  readonly duration_seconds?: number
  readonly error?: {readonly reason: string; readonly message: string; readonly next?: string}
}

/** A picture that is where it belongs, and the session that made it. */
export interface Kept {
  readonly session: OwnedSession
  readonly picture: Picture
}

/** A picture is there, made by whomever. */
export function isCompleted({state}: AssetOutcome): boolean {
  return state === 'completed'
}

/** The outcome of an asset whose picture is there already. */
export function keptOutcome(asset: Asset, {session, picture}: Kept): AssetOutcome {
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
): AssetOutcome {
  const error = {reason, message, ...(next ? {next} : {})}
  report({event: 'asset.failed', asset, session, state, ...error})
  return {asset, session, state, error}
}
