import {stat} from 'node:fs/promises'
import {type Asset, IMAGE_FORMATS} from '../asset/asset.ts'
import {assetKey} from '../asset/key.ts'
import type {Context} from '../context.ts'
import {UsageError} from '../errors.ts'
import {sha256} from '../fetch-picture.ts'
import {readSmall} from '../read-small.ts'
import {isSettled} from '../session/history-line.ts'
import {isOrphan} from '../session/owner.ts'
import {RUN_NAME} from '../session/run-id.ts'
import type {Picture} from '../session/session.ts'
import type {OwnedSession} from '../store/session-store.ts'
import type {Kept} from './outcome.ts'

/**
 * - `continue`: go on with an unfinished run of the same pictures under its name, and take what others finished.
 * - `adopt`: as `continue`, but under the given name.
 * - `never`: make every picture.
 */
export type ResumeMode = 'continue' | 'adopt' | 'never'

/**
 * Why a picture is made: nobody ever asked for it (`new`), nobody knows how the file that is there was made (`unrecorded`), its prompt or parameters are others now (`changed`), its file is not
 * as it was left (`missing`), an earlier run did not get it (`unfinished`), its seed is a new one each time (`random`), or it was
 * asked for once more (`forced`).
 */
export type Why = 'new' | 'unrecorded' | 'changed' | 'missing' | 'unfinished' | 'random' | 'forced'

/** What earlier runs have left of the pictures that are asked for. */
export interface Resumption {
  /** The run's name: the new one, or that of the unfinished run that is gone on with. */
  readonly run: string
  /** How many pictures the run makes in all, with those it made before it was interrupted. */
  readonly total: number
  /** Pictures that are there already, by asset. */
  readonly kept: ReadonlyMap<string, Kept>
  /** Sessions of a live process, by asset: it makes them at this moment. */
  readonly elsewhere: ReadonlyMap<string, OwnedSession>
  /** Sessions of dead processes and settled ones whose picture may be on the server, by asset, the newest first. */
  readonly earlier: ReadonlyMap<string, readonly OwnedSession[]>
  /** Why those that are neither kept nor made elsewhere are to be made, by asset. */
  readonly why: ReadonlyMap<string, Why>
  /** What histories tell of pictures: of which assets, where, and the sha256 of each. */
  readonly recorded: {
    readonly assets: ReadonlySet<string>
    /** Relative to the workspace. */
    readonly paths: ReadonlySet<string>
    readonly digests: ReadonlySet<string>
  }
  /** Sessions of whatever run that have come to their end. */
  readonly settled: ReadonlySet<string>
  /** Ids that are taken. */
  readonly sessionIds: ReadonlySet<string>
}

/** How a session ended that can have no picture on the server: its backend said so. */
const WITHOUT_PICTURE: ReadonlySet<string> = new Set(['rejected', 'failed', 'empty', 'never_submitted'])

/**
 * Looks through the histories for sessions of the same keys. Reads the disk only. Throws `UsageError` when a run is to be gone on
 * with under a name that has made other pictures of the same assets.
 */
export async function planResumption(
  {sessions, server}: Context,
  {assets, run, mode}: {readonly assets: readonly Asset[]; readonly run: string; readonly mode: ResumeMode},
): Promise<Resumption> {
  const all = await sessions.list({active: false})
  const keys = new Map(assets.map((asset) => [assetKey(asset, server), asset]))
  const ours = mode === 'never' ? [] : all.filter(({key}) => key !== undefined && keys.has(key))
  const unfinished = mode === 'continue' ? await unfinishedRun(sessions, all, ours, keys) : undefined
  const name = unfinished?.run ?? run
  if (mode !== 'continue') refuseOtherPictures(name, all, keys)
  const byKey = Map.groupBy(ours.toReversed(), ({key}) => key)
  const kept = new Map<string, Kept>()
  const elsewhere = new Map<string, OwnedSession>()
  const earlier = new Map<string, readonly OwnedSession[]>()
  const why = new Map<string, Why>()
  const known = new Set(all.map(({asset}) => asset))
  const askedFor = new Set(all.map((session) => session.key))
  const pictures = all.flatMap(({asset, result}) => (result?.picture ? [{asset, ...result.picture}] : []))
  for (const [key, asset] of keys) {
    // Of a random seed, any picture that was made before would do; but each new run is to have a new one.
    const relevant = (byKey.get(key) ?? []).filter(
      (session) => !asset.randomSeed || session.run === name || !isSettled(session),
    )
    const live = relevant.find((session) => !isSettled(session) && !isOrphan(session))
    const there = await firstOnDisk(asset, relevant)
    if (there) kept.set(asset.id, there)
    else if (live) elsewhere.set(asset.id, live)
    else {
      earlier.set(asset.id, relevant.filter(mayHavePicture))
      const again = mode === 'never' && askedFor.has(key)
      const reason = again ? 'forced' : whyMake(asset, relevant, known.has(asset.id))
      why.set(asset.id, reason === 'new' && (await isThere(asset)) ? 'unrecorded' : reason)
    }
  }
  return {
    run: name,
    total: unfinished?.total ?? assets.length - kept.size,
    kept,
    elsewhere,
    earlier,
    why,
    recorded: {
      assets: new Set(pictures.map(({asset}) => asset)),
      paths: new Set(pictures.map(({path}) => path)),
      digests: new Set(pictures.map(({sha256: digest}) => digest)),
    },
    settled: new Set(all.filter(isSettled).map(({id}) => id)),
    sessionIds: new Set(all.filter((session) => session.run === name).map(({id}) => id)),
  }
}

function whyMake({randomSeed}: Asset, sessions: readonly OwnedSession[], known: boolean): Why {
  if (sessions.some(({state}) => state === 'completed')) return 'missing'
  if (sessions.length > 0) return 'unfinished'
  if (!known) return 'new'
  return randomSeed ? 'random' : 'changed'
}

/** A session of the run that is about an asset of ours, but another picture: on the server the two would have one name. */
function otherPicture(
  run: string,
  all: readonly OwnedSession[],
  keys: ReadonlyMap<string, Asset>,
): OwnedSession | undefined {
  const ids = new Set([...keys.values()].map(({id}) => id))
  return all.find((session) => session.run === run && ids.has(session.asset) && !keys.has(session.key ?? ''))
}

function refuseOtherPictures(run: string, all: readonly OwnedSession[], keys: ReadonlyMap<string, Asset>): void {
  const other = otherPicture(run, all, keys)
  if (!other) return
  throw new UsageError(`The run "${run}" has made ${other.asset} with another prompt or other parameters.`, {
    next: 'Give this run another name with --run, or none.',
  })
}

/** The newest run of these pictures, if it did not get to its end, nobody is at it, and it made no others of these assets. */
async function unfinishedRun(
  sessions: Context['sessions'],
  all: readonly OwnedSession[],
  ours: readonly OwnedSession[],
  keys: ReadonlyMap<string, Asset>,
): Promise<{run: string; total: number} | undefined> {
  const newest = ours.at(-1)
  // A restored history may call its run anything; no more than fits beside an asset's name can be gone on with.
  if (!newest || !RUN_NAME.test(newest.run)) return undefined
  const members = all.filter(({run}) => run === newest.run)
  if (members.some((session) => !isSettled(session) && !isOrphan(session))) return undefined
  if (otherPicture(newest.run, all, keys)) return undefined
  const total = (await sessions.request(newest.id))?.total
  const completed = new Set(members.filter(({state}) => state === 'completed').map(({asset}) => asset))
  if (total === undefined || completed.size >= total) return undefined
  // What was only fetched again has no session in the run that did so: nothing is unfinished where each picture was finished once.
  const [ever, here] = [completedKeys(all), completedKeys(members)]
  const isDone = [...keys].every(([key, {randomSeed}]) => (randomSeed ? here : ever).has(key))
  return isDone ? undefined : {run: newest.run, total}
}

function completedKeys(sessions: readonly OwnedSession[]): ReadonlySet<string | undefined> {
  return new Set(sessions.filter(({state}) => state === 'completed').map(({key}) => key))
}

async function isThere({pathFor, expectedFormat}: Asset): Promise<boolean> {
  return (await stat(pathFor(expectedFormat)).catch(() => undefined)) !== undefined
}

async function firstOnDisk(asset: Asset, sessions: readonly OwnedSession[]): Promise<Kept | undefined> {
  const digests = new Map<string, string | undefined>()
  for (const session of sessions) {
    const picture = session.result?.picture
    const path = session.state === 'completed' && picture && placeFor(asset, picture)
    if (!path) continue
    if (!digests.has(path)) digests.set(path, await digestOf(path))
    if (digests.get(path) === picture.sha256) return {session, picture}
  }
  return undefined
}

async function digestOf(path: string): Promise<string | undefined> {
  const bytes = await readSmall(path)
  return bytes && sha256(bytes)
}

/** Where an asset's picture goes that came in this format, absolute; `undefined` where its path has the ending of another. */
export function placeFor({pathFor}: Asset, {format}: Picture): string | undefined {
  const known = IMAGE_FORMATS.find((name) => name === format)
  try {
    return known && pathFor(known)
  } catch {
    return undefined
  }
}

/** Whether the server may have, or get, a picture of a session that nobody is at. */
export function mayHavePicture(session: OwnedSession): boolean {
  if (!isSettled(session)) return isOrphan(session)
  return session.submission !== undefined && !WITHOUT_PICTURE.has(session.result?.reason ?? '')
}
