import {lstat, readFile} from 'node:fs/promises'
import type {Asset, ImageFormat} from '../asset/asset.ts'
import {embeddedTag} from '../asset/embedded-tag.ts'
import {confine} from '../asset/output-path.ts'
import type {Context} from '../context.ts'
import {systemCode, UsageError} from '../errors.ts'
import {fromWorkspace, sha256} from '../fetch-picture.ts'
import {readSmall} from '../read-small.ts'
import type {Making} from './making.ts'

/**
 * The place of an asset's picture, free for it: what somebody made of an earlier one is kept aside. Most places were looked at before the
 * run began; the one for a format that nobody expected was not.
 *
 * Throws `UsageError` when that place is another asset's, or has a file that is not ours.
 */
export async function makeRoom(context: Context, making: Making, asset: Asset, format: ImageFormat): Promise<string> {
  const path = asset.pathFor(format)
  await confine(making.outputDirectory, path)
  if (format !== asset.expectedFormat) await refuseTaken(context, making, asset, path)
  const {assets, paths} = making.recorded
  // Where no history tells of the asset or the place, the file may be anything; it was checked before.
  if (assets.has(asset.id) || paths.has(fromWorkspace(making.workspace, path)))
    await keepEdited(context, making, asset, path)
  return path
}

async function refuseTaken(context: Context, making: Making, asset: Asset, path: string): Promise<void> {
  const owner = making.places.get(path.toLowerCase())
  const isForeign = !making.overwrite && (await isForeignFile(context, making.workspace, asset, path))
  if (owner === undefined && !isForeign) return
  const why = owner === undefined ? 'has a file that ag did not make' : `is the place of ${owner}`
  const expected = asset.expectedFormat.toUpperCase()
  throw new UsageError(`The server made ${asset.id} in another format than ${expected}, and ${path} ${why}.`, {
    next: `Ask for the format (params: {imageformat: ${expected}}), or for another path. The picture is on the server, and is not made again.`,
  })
}

/**
 * Whether there is a file at a path that is not ours: it does not say that it is the asset's picture, and no history has one in this place. What somebody made
 * of a picture of ours is kept aside when another takes its place. `recorded` saves asking for the histories again.
 */
export async function isForeignFile(
  {sessions}: Pick<Context, 'sessions'>,
  workspace: string,
  asset: Asset,
  path: string,
  recorded?: () => Promise<ReadonlyMap<string, string>>,
): Promise<boolean> {
  if (!(await isThere(path))) return false
  const known = await (recorded ?? sessions.recordedPictures.bind(sessions))()
  if (known.has(fromWorkspace(workspace, path))) return false
  const bytes = await readExisting(path)
  return bytes !== undefined && embeddedTag(bytes)?.item !== asset.id
}

/** Most are not: then nobody need ask the histories. A folder or a file in the way of the path is told by whoever reads. */
async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => systemCode(error) !== 'ENOENT',
  )
}

async function readExisting(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return undefined
    if (code === 'ENOTDIR') throw notFolder(path)
    throw new UsageError(`The file in the way of ${path} cannot be read (${code}).`, {
      next: 'Move it away, or pass --overwrite.',
      cause: error,
    })
  }
}

/** A file stands where a folder is to be. */
export function notFolder(path: string): UsageError {
  return new UsageError(`A part of the path ${path} is a file, not a folder.`, {
    next: 'Move that file, or choose another output path.',
  })
}

async function keepEdited({sessions, report}: Context, making: Making, {id}: Asset, path: string): Promise<void> {
  const bytes = await readSmall(path)
  if (bytes === undefined || making.recorded.digests.has(sha256(bytes))) return
  // Another process may have put it there since the run began.
  const now = await sessions.recordedPictures()
  if (now.get(fromWorkspace(making.workspace, path)) === sha256(bytes)) return
  const {place} = await sessions.upkeep.setAside({copyOf: path})
  const message = `The picture of ${id} had been changed since it was made: what it was is kept as ${place}.`
  report({event: 'notice', message})
}
