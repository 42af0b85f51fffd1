import {writeFileSync} from 'node:fs'
import {storageError, systemCode} from '../errors.ts'
import {replaceFile} from '../replace-file.ts'
import type {ParsedLine} from '../session/history-line.ts'
import {removeQuietly} from './remove-quietly.ts'

/** Replaces a whole history in one step, synced to disk. Throws `StorageError`. */
export async function replaceHistory(path: string, lines: readonly ParsedLine[]): Promise<void> {
  try {
    await replaceFile(path, textOf(lines), {sync: true})
  } catch (error) {
    throw storageError(path, error)
  }
}

/** Writes a history that nobody has, in one call and not synced. False when there is something of its name. Throws `StorageError`. */
export function writeNewHistory(path: string, lines: readonly ParsedLine[]): boolean {
  try {
    writeFileSync(path, textOf(lines), {flag: 'wx'})
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    // A full disk has taken the first part of it.
    removeQuietly(path)
    throw storageError(path, error)
  }
}

function textOf(lines: readonly ParsedLine[]): string {
  return lines.map(({text}) => `${text}\n`).join('')
}
