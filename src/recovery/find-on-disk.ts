import {isAbsolute, join, relative} from 'node:path'
import {IMAGE_FORMATS} from '../asset/asset.ts'
import {BrokenImageError, inspectImage} from '../asset/image.ts'
import {isConfined} from '../asset/output-path.ts'
import {UsageError} from '../errors.ts'
import {sha256, type WholePicture} from '../fetch-picture.ts'
import {readSmall} from '../read-small.ts'
import type {SessionRequest} from '../session/session.ts'
import type {OwnedSession} from '../store/session-store.ts'
import {isSought, soughtBy} from './adopt.ts'
import {ownFolder, type Places, recordedPath} from './place.ts'

/** A session's picture that lies on disk already. */
export interface PictureOnDisk {
  /** Absolute. */
  readonly path: string
  readonly digest: string
}

/**
 * Looks for the picture of an orphaned session where it may have been put: where its history says, where the manifest wants
 * it, in the session's own folder. Only a whole picture counts whose digest was recorded or that carries our tag.
 */
export async function findOnDisk(
  places: Places,
  session: OwnedSession,
  request: SessionRequest | undefined,
): Promise<PictureOnDisk | undefined> {
  const sought = soughtBy(session, request)
  for (const path of await candidates(places, session, request)) {
    const bytes = await readSmall(path)
    if (!bytes || !isSought(sought, bytes)) continue
    try {
      inspectImage(bytes)
      // The bytes are read again when they are needed: there may be thousands of pictures.
      return {path, digest: sha256(bytes)}
    } catch (error) {
      if (!(error instanceof BrokenImageError)) throw error
    }
  }
  return undefined
}

/** The picture that was found. Throws `UsageError` when it is not there any more. */
export async function readOnDisk({path, digest}: PictureOnDisk): Promise<WholePicture> {
  const bytes = await readSmall(path)
  if (bytes && sha256(bytes) === digest) return {bytes, facts: inspectImage(bytes)}
  throw new UsageError(`${path} was changed while it was being recovered.`, {next: 'Run the same command again.'})
}

async function candidates(
  places: Places,
  session: OwnedSession,
  request: SessionRequest | undefined,
): Promise<ReadonlySet<string>> {
  const paths = new Set<string>()
  const recorded = [session.result?.picture?.path, request?.output].filter((path) => path !== undefined)
  for (const path of recorded) {
    const absolute = recordedPath(places, path)
    if (session.ownerStanding !== 'foreign' || (await isInside(places.workspace, absolute))) paths.add(absolute)
  }
  const declared = places.declared.get(session.asset)
  if (declared) paths.add(declared.pathFor(declared.expectedFormat))
  const own = ownFolder(places, session.id)
  for (const format of IMAGE_FORMATS) paths.add(join(own, `${session.id}.${format}`))
  return paths
}

/** Whether a path that a restored history names may be looked at: below the workspace, links resolved. */
async function isInside(workspace: string, path: string): Promise<boolean> {
  const away = relative(workspace, path)
  if (away.startsWith('..') || isAbsolute(away)) return false
  return isConfined(workspace, path)
}
