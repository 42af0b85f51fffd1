import {appendFileSync, readFileSync} from 'node:fs'

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
