import {closeSync, constants, fstatSync, lstatSync, openSync, readSync} from 'node:fs'
import {open} from 'node:fs/promises'

const LIMIT = 2 ** 28
/** Windows has neither flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * The bytes of a regular file, or `undefined` when there is none that could be read whole: no file, a link, a FIFO, a folder,
 * one that is too large. For files that may have been planted; never blocks, never follows a link at the name.
 */
export async function readSmall(path: string, limit = LIMIT): Promise<Buffer | undefined> {
  try {
    // Most are not there: a look costs a tenth of an attempt.
    if (!lstatSync(path, {throwIfNoEntry: false})?.isFile()) return undefined
    await using file = await open(path, FLAGS)
    const facts = await file.stat()
    return facts.isFile() && facts.size <= limit ? await file.readFile() : undefined
  } catch {
    return undefined
  }
}

const ROOM = Buffer.allocUnsafe(64 * 1024)

/**
 * As `readSmall`, for texts of which many are read: most fit into one buffer that is used again and again, and need no look at
 * what kind of file they are, because a folder cannot be read and a FIFO has nothing in it.
 */
export function readSmallText(path: string, limit: number): string | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, FLAGS)
    const read = readSync(fd, ROOM, 0, ROOM.length, 0)
    if (read > limit) return undefined
    if (read < ROOM.length) return read > 0 || fstatSync(fd).isFile() ? ROOM.toString('utf8', 0, read) : undefined
    const facts = fstatSync(fd)
    if (!facts.isFile() || facts.size > limit) return undefined
    const buffer = Buffer.allocUnsafe(facts.size)
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, facts.size, 0))
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
