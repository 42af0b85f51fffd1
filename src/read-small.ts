import {constants} from 'node:fs'
import {open} from 'node:fs/promises'

const LIMIT = 2 ** 28

/**
 * The bytes of a regular file, or `undefined` when there is none that could be read whole: no file, a link, a FIFO, a folder,
 * one that is too large. For files that may have been planted; never blocks, never follows a link at the name.
 */
export async function readSmall(path: string, limit = LIMIT): Promise<Buffer | undefined> {
  try {
    // Windows has neither flag.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
    await using file = await open(path, flags)
    const facts = await file.stat()
    return facts.isFile() && facts.size <= limit ? await file.readFile() : undefined
  } catch {
    return undefined
  }
}
