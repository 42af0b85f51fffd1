import {randomBytes} from 'node:crypto'
import {mkdir, open, rename, rm} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {storageError} from './errors.ts'

/**
 * Writes a file whole or not at all: into a temporary file beside it, then renamed, so that nobody ever sees half of it.
 * Missing folders are made. Throws `StorageError`; the temporary file is gone then.
 */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(path), {recursive: true})
    const file = await open(temporary, 'wx', 0o644)
    try {
      await file.writeFile(bytes)
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, {force: true}).catch(() => {})
    throw storageError(path, error)
  }
}
