import {randomBytes} from 'node:crypto'
import {constants, copyFile, link, mkdir, open, rename, rm} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {storageError, systemCode} from './errors.ts'

/**
 * Writes a file whole or not at all: into a temporary file beside it, then renamed, so that nobody ever sees half of it.
 * Missing folders are made. Throws `StorageError`; the temporary file is gone then.
 */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await writeBeside(path, bytes, (temporary) => rename(temporary, path))
}

/** As `writeWhole`, but where nothing is yet: false when the name is taken, by whatever. */
export async function writeWholeNew(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await writeBeside(path, bytes, async (temporary) => {
      await nameNew(temporary, path)
      await rm(temporary, {force: true})
    })
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/** A second name for the file; on a file system without links, a copy that replaces nothing. */
async function nameNew(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path)
  } catch (error) {
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw error
    await copyFile(temporary, path, constants.COPYFILE_EXCL)
  }
}

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

async function writeBeside(path: string, bytes: Uint8Array, name: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(path), {recursive: true})
    const file = await open(temporary, 'wx', 0o644)
    try {
      await file.writeFile(bytes)
    } finally {
      await file.close()
    }
    await name(temporary)
  } catch (error) {
    await rm(temporary, {force: true}).catch(() => {})
    throw storageError(path, error)
  }
}
