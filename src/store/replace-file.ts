import {randomBytes} from 'node:crypto'
import {open, rename, rm} from 'node:fs/promises'
import {setTimeout as delay} from 'node:timers/promises'
import {systemCode} from '../errors.ts'

/** Windows refuses to replace a file that somebody (a scanner) has open at the moment; it is tried again for half a second. */
const WINDOWS_PATIENCE_MS = [5, 10, 20, 40, 80, 160, 320]

/** Replaces a small file in one step: readers see the old one or the new one. A link at the name is replaced, not followed. With `sync` it survives a power cut. */
export async function replaceFile(
  path: string,
  content: string,
  {mode = 0o644, sync = false}: {readonly mode?: number; readonly sync?: boolean} = {},
): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await writeNew(temporary, content, mode, sync)
    await renameOver(temporary, path)
  } catch (error) {
    await rm(temporary, {force: true}).catch(() => {})
    throw error
  }
}

/** Whether a file is one that was to be renamed; an old one was left by a process that died before it got to it. */
export function isTemporary(name: string): boolean {
  return /\.\d+\.[0-9a-f]{8}\.tmp$/.test(name)
}

async function writeNew(path: string, content: string, mode: number, sync: boolean): Promise<void> {
  await using file = await open(path, 'wx', mode)
  await file.writeFile(content)
  if (sync) await file.datasync()
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
