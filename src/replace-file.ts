import {randomBytes} from 'node:crypto'
import {constants, copyFile, link, open, rename, rm} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {systemCode} from './errors.ts'

type Content = string | Uint8Array | AsyncIterable<string>

interface ReplaceOptions {
  /** Default 0644. */
  readonly mode?: number
  /** It survives a power cut. */
  readonly sync?: boolean
}

/** Windows refuses to replace a file that somebody (a scanner) has open at the moment; it is tried again for half a second. */
const WINDOWS_PATIENCE_MS = [5, 10, 20, 40, 80, 160, 320]

/**
 * Replaces a file, or makes it, in one step: readers see the old one or the new one, never half of it. A link at the name is replaced,
 * not followed. The folder must be there. Throws as the system does; nothing is left then.
 */
export async function replaceFile(path: string, content: Content, options: ReplaceOptions = {}): Promise<void> {
  await writeBeside(path, content, options, (temporary) => renameOver(temporary, path))
}

/** As `replaceFile`, but where nothing is yet: false when the name is taken, by whatever. */
export async function createFile(path: string, content: Content): Promise<boolean> {
  try {
    await writeBeside(path, content, {}, async (temporary) => {
      await nameNew(temporary, path)
      await rm(temporary, {force: true})
    })
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Whether a file is one that was to be renamed; an old one was left by a process that died before it got to it. */
export function isTemporary(name: string): boolean {
  return /\.\d+\.[0-9a-f]{8}\.tmp$/.test(name)
}

/** Of a file system where a file has one name only. */
export const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

async function writeBeside(
  path: string,
  content: Content,
  {mode = 0o644, sync = false}: ReplaceOptions,
  name: (temporary: string) => Promise<void>,
): Promise<void> {
  const own = `${process.pid}.${randomBytes(4).toString('hex')}`
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${own}.tmp`)
  try {
    await writeNew(temporary, content, mode, sync)
    await name(temporary)
  } catch (error) {
    await rm(temporary, {force: true}).catch(() => {})
    throw error
  }
}

async function writeNew(path: string, content: Content, mode: number, sync: boolean): Promise<void> {
  await using file = await open(path, 'wx', mode)
  await file.writeFile(content)
  if (sync) await file.datasync()
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

async function renameOver(from: string, to: string): Promise<void> {
  for (const patience of WINDOWS_PATIENCE_MS) {
    try {
      return await rename(from, to)
    } catch (error) {
      const code = systemCode(error)
      if (process.platform !== 'win32' || (code !== 'EPERM' && code !== 'EACCES' && code !== 'EBUSY')) throw error
      await delay(patience)
    }
  }
  await rename(from, to)
}
