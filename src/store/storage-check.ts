import {execFile} from 'node:child_process'
import {chmodSync, closeSync, existsSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {systemCode} from '../errors.ts'
import {fileSystemOf} from './file-system.ts'
import {tryLock} from './kernel-lock.ts'
import type {Layout} from './layout.ts'
import type {StorageCheck} from './session-store.ts'

/** What the other process does: takes the lock that we hold, which must fail. */
const TAKE_LOCK = `
const {DatabaseSync} = require('node:sqlite')
try {
  new DatabaseSync(process.argv[1]).exec('PRAGMA busy_timeout=0; BEGIN EXCLUSIVE')
} catch {
  process.exit(11)
}
process.exit(10)
`
const REFUSED = 11
const ANSWER_WITHIN_MS = 10_000

/** Writes, syncs and locks a file where the workspace is, from two processes, and leaves nothing. */
export async function checkStorage({private: innermost}: Layout): Promise<StorageCheck> {
  const parent = existing(innermost)
  const fileSystem = fileSystemOf(parent).name
  let folder: string | undefined
  try {
    // As the first write does: the folder of another user's credentials refuses it.
    if (parent === innermost) chmodSync(innermost, 0o700)
    folder = mkdtempSync(join(parent, '.ag-check-'))
    writeSynced(join(folder, 'write'))
    return {folder: parent, fileSystem, writable: true, locks: await locksHold(join(folder, 'lock'))}
  } catch (error) {
    return {folder: parent, fileSystem, writable: false, locks: false, reason: systemCode(error) ?? String(error)}
  } finally {
    if (folder) rmSync(folder, {recursive: true, force: true})
  }
}

function writeSynced(path: string): void {
  const file = openSync(path, 'wx')
  try {
    writeSync(file, 'x')
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

async function locksHold(path: string): Promise<boolean> {
  const lock = await tryLock(path)
  if (!lock) return false
  try {
    return (await runNode(['--no-warnings', '-e', TAKE_LOCK, path])) === REFUSED
  } finally {
    lock.release()
  }
}

function runNode(words: readonly string[]): Promise<number | null> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, words, {timeout: ANSWER_WITHIN_MS}, () => resolve(child.exitCode))
  })
}

/** The folder, or the nearest one above it that is there: the workspace is made at its first use. */
function existing(folder: string): string {
  return existsSync(folder) || folder === dirname(folder) ? folder : existing(dirname(folder))
}
