import {appendFileSync, readFileSync} from 'node:fs'
import {replaceFile} from './replace-file.ts'

/**
 * The ids of sessions known to be settled, one a line. Only a hint that saves opening their histories: a session that is
 * not in it (because it came from another machine, or the file is gone) is looked at, and nothing else happens.
 */
export function knownSettled(path: string): ReadonlySet<string> {
  try {
    const text = readFileSync(path, 'latin1')
    return new Set(text.slice(0, text.lastIndexOf('\n')).split('\n'))
  } catch {
    return new Set()
  }
}

/** Adds an id: one short append, which no other process's can mix with. A failure costs only time later. */
export function noteSettled(path: string, id: string): void {
  try {
    appendFileSync(path, `${id}\n`)
  } catch {
    // A full or read-only disk has been reported by the history itself.
  }
}

/** Takes ids out. What another process adds at the same moment may get lost, which costs only time later. */
export async function forgetSettled(path: string, ids: ReadonlySet<string>): Promise<void> {
  const known = knownSettled(path)
  if (![...ids].some((id) => known.has(id))) return
  const left = [...known].filter((id) => !ids.has(id))
  await replaceFile(path, left.map((id) => `${id}\n`).join('')).catch(() => {})
}
