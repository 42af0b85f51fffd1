import {dirname, join, resolve} from 'node:path'
import type {Asset, ImageFormat} from '../asset/asset.ts'
import {confine} from '../asset/output-path.ts'
import {sha256} from '../fetch-picture.ts'
import {readSmall} from '../read-small.ts'
import type {SessionRequest} from '../session/session.ts'
import type {OwnedSession} from '../store/session-store.ts'

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
 * Where the picture of an orphaned session goes, the first that is free: where the manifest declares its asset; where its
 * history says, if the process that wrote it ran on this machine (a history from elsewhere is not trusted with paths); a
 * folder named after the session. A place is free when nothing is there, or this very picture: recovery replaces nothing.
 *
 * Throws `UsageError` when links lead out of the folders.
 */
export async function choosePlace(
  places: Places,
  session: OwnedSession,
  request: SessionRequest | undefined,
  {format, digest}: {readonly format: ImageFormat; readonly digest: string},
): Promise<Place> {
  const own = ownFolder(places, session.id)
  const last = {inside: places.sessionsOutput, path: join(own, `${session.id}.${format}`), snapshotDirectory: own}
  const candidates = [declaredPlace(places, session, format), recordedPlace(places, session, request, format), last]
  for (const place of candidates) {
    if (!place) continue
    await confine(place.inside, place.path)
    const there = await readSmall(place.path)
    if (there === undefined || sha256(there) === digest) return place
  }
  return last
}

/** A folder that belongs to one session, named by its checked id. */
export function ownFolder({sessionsOutput}: Places, id: string): string {
  return join(sessionsOutput, id)
}

/** A path of a history as an absolute one. */
export function recordedPath({workspace}: Places, path: string): string {
  return resolve(workspace, ...path.split('/'))
}

function declaredPlace(places: Places, {asset}: OwnedSession, format: ImageFormat): Place | undefined {
  const declared = places.declared.get(asset)
  if (!declared) return undefined
  try {
    return {inside: places.outputDirectory, path: declared.pathFor(format)}
  } catch {
    // Its declared path has the ending of another format.
    return undefined
  }
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
