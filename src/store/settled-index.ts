import {closeSync, constants, fstatSync, openSync, writeSync} from 'node:fs'
import {readSmallText} from '../read-small.ts'
import {replaceFile} from '../replace-file.ts'

/** Half a million sessions; a larger file only makes `ag` look at histories that it need not look at. */
const MAX_BYTES = 64 * 2 ** 20
/** Something else may have been planted at the name: a link is not followed, a FIFO not waited for. */
const APPEND =
  constants.O_WRONLY |
  constants.O_APPEND |
  constants.O_CREAT |
  (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0)

/**
 * The ids of sessions known to be settled, one a line. Only a hint that saves opening their histories: a session that is
 * not in it (because it came from another machine, or the file is gone) is looked at, and nothing else happens.
 */
export function knownSettled(path: string): ReadonlySet<string> {
  const text = readSmallText(path, MAX_BYTES) ?? ''
  return new Set(text.slice(0, Math.max(0, text.lastIndexOf('\n'))).split('\n'))
}

/** Adds an id: one short append, which no other process's can mix with. A failure costs only time later. */
export function noteSettled(path: string, id: string): void {
  let fd: number | undefined
  try {
    fd = openSync(path, APPEND, 0o644)
    if (fstatSync(fd).isFile()) writeSync(fd, `${id}\n`)
  } catch {
    // A full or read-only disk has been reported by the history itself.
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** Takes ids out. What another process adds at the same moment may get lost, which costs only time later. */
export async function forgetSettled(path: string, ids: ReadonlySet<string>): Promise<void> {
  const known = knownSettled(path)
  if (![...ids].some((id) => known.has(id))) return
  const left = [...known].filter((id) => !ids.has(id))
  await replaceFile(path, left.map((id) => `${id}\n`).join('')).catch(() => {})
}
