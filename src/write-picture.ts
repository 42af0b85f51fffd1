import {mkdir} from 'node:fs/promises'
import {dirname} from 'node:path'
import {storageError} from './errors.ts'
import {createFile, replaceFile} from './replace-file.ts'

/**
 * Puts a picture in its place, whole or not at all, over what is there. Missing folders are made. Throws `StorageError`; nothing half-written
 * is left then.
 */
export function writePicture(path: string, bytes: Uint8Array): Promise<void> {
  return inFolder(path, () => replaceFile(path, bytes))
}

/** As `writePicture`, but where nothing is yet: false when the name is taken, by whatever. */
export function writeNewPicture(path: string, bytes: Uint8Array): Promise<boolean> {
  return inFolder(path, () => createFile(path, bytes))
}

async function inFolder<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    await mkdir(dirname(path), {recursive: true})
    return await write()
  } catch (error) {
    throw storageError(path, error)
  }
}
