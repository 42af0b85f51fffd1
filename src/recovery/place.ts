import {dirname, join, resolve} from 'node:path'
import type {Asset, ImageFormat} from '../asset/asset.ts'
import {assetKey} from '../asset/key.ts'
import {isConfined} from '../asset/output-path.ts'
import {UsageError} from '../errors.ts'
import {sha256, type WholePicture} from '../fetch-picture.ts'
import {readSmall} from '../read-small.ts'
import type {ImageServer} from '../server/image-server.ts'
import type {SessionRequest} from '../session/session.ts'
import type {OwnedSession} from '../store/session-store.ts'
import {writeNewPicture} from '../write-picture.ts'

/** Where the pictures of a workspace may be put. */
export interface Places {
  /** Absolute; what histories measure paths from. */
  readonly workspace: string
  /** Absolute; holds a folder for each session whose picture has no place of its own. */
  readonly sessionsOutput: string
  /** The manifest's assets by id, and where it wants them. */
  readonly declared: ReadonlyMap<string, Asset>
  /** Absolute; the manifest's output directory. */
  readonly outputDirectory: string
}

/** A place for one picture; nothing is written outside of `inside`. */
export interface Place {
  readonly inside: string
  readonly path: string
  /** The folder that belongs to the session alone; its snapshot is kept there. */
  readonly snapshotDirectory?: string
}

/**
 * Puts the picture of an orphaned session in the first place that is free: where the manifest declares its asset, if the manifest
 * still asks for the same picture; where its history says, if the process that wrote it ran on this machine (a history from
 * elsewhere is not trusted with paths); a folder named after the session. A place is free when nothing is there, or this very
 * picture already: recovery replaces nothing, and two recoveries do not meet in one place.
 *
 * Throws `UsageError` when there is none, `StorageError` when the disk refuses.
 */
export async function putInPlace(
  server: Pick<ImageServer, 'address'>,
  places: Places,
  session: OwnedSession,
  request: SessionRequest | undefined,
  {bytes, facts: {format}}: WholePicture,
): Promise<Place> {
  const digest = sha256(bytes)
  for (const place of candidates(server, places, session, request, format)) {
    if (!(await isConfined(place.inside, place.path))) continue
    if (await writeNewPicture(place.path, bytes)) return place
    const there = await readSmall(place.path)
    if (there && sha256(there) === digest) return place
  }
  throw new UsageError(`There is no free place for the picture of ${session.id}.`, {
    next: `Move away what lies in ${ownFolder(places, session.id)}.`,
  })
}

const NUMBERED = 9

function* candidates(
  server: Pick<ImageServer, 'address'>,
  places: Places,
  session: OwnedSession,
  request: SessionRequest | undefined,
  format: ImageFormat,
): Generator<Place> {
  const declared = declaredPlace(server, places, session, request, format)
  if (declared) yield declared
  const recorded = recordedPlace(places, session, request, format)
  if (recorded) yield recorded
  const own = ownFolder(places, session.id)
  for (let number = 1; number <= NUMBERED; number++) {
    const name = number === 1 ? session.id : `${session.id}-${number}`
    yield {inside: places.sessionsOutput, path: join(own, `${name}.${format}`), snapshotDirectory: own}
  }
}

/** A folder that belongs to one session, named by its checked id. */
export function ownFolder({sessionsOutput}: Places, id: string): string {
  return join(sessionsOutput, id)
}

/** A path of a history as an absolute one. */
export function recordedPath({workspace}: Places, path: string): string {
  return resolve(workspace, ...path.split('/'))
}

function declaredPlace(
  server: Pick<ImageServer, 'address'>,
  places: Places,
  {asset, key}: OwnedSession,
  request: SessionRequest | undefined,
  format: ImageFormat,
): Place | undefined {
  const declared = places.declared.get(asset)
  if (!declared || !(key === assetKey(declared, server) || asksForTheSame(declared, request))) return undefined
  try {
    return {inside: places.outputDirectory, path: declared.pathFor(format)}
  } catch {
    // Its declared path has the ending of another format.
    return undefined
  }
}

/** What makes a picture what it is, and is never spelt in another way by the server. The key of a session has more, in the server's words. */
const ESSENCE = ['prompt', 'negativeprompt', 'seed', 'width', 'height', 'steps', 'cfgscale'] as const

/** Whether a manifest's asset still asks for what was asked for then. */
function asksForTheSame({parameters, randomSeed}: Asset, request: SessionRequest | undefined): boolean {
  const compared = ESSENCE.filter((name) => !(randomSeed && name === 'seed'))
  return request !== undefined && compared.every((name) => parameters[name] === request.parameters[name])
}

function recordedPlace(
  places: Places,
  session: OwnedSession,
  request: SessionRequest | undefined,
  format: ImageFormat,
): Place | undefined {
  if (!request || session.ownerStanding === 'foreign') return undefined
  const path = recordedPath(places, request.output).replace(/\.[a-z]+$/i, `.${format}`)
  const own = ownFolder(places, session.id)
  return {inside: dirname(path), path, ...(dirname(path) === own ? {snapshotDirectory: own} : {})}
}
