import type {DatabaseSync} from 'node:sqlite'
import {StorageError, systemCode} from '../errors.ts'

/**
 * Locks that the kernel gives back when their holder dies, however it dies. Node has no `flock`, but its SQLite takes one on
 * a file of 0 bytes. Lock files must never be opened with `fs` by their holder: closing that descriptor would drop the lock.
 */
export interface KernelLock {
  release(): void
}

const BUSY = 5

/** Takes the lock on a file, made if needed; `undefined` when another process has it. Throws `StorageError`. */
export async function tryLock(path: string): Promise<KernelLock | undefined> {
  const sqlite = await loadSqlite()
  let database: DatabaseSync | undefined
  try {
    database = new sqlite.DatabaseSync(path)
    database.exec('PRAGMA busy_timeout=0; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if (isBusy(error)) return undefined
    throw new StorageError(`Cannot lock ${path}: ${(error as Error).message}.`, {
      next: 'Remove it if it is no plain file, or choose another place with --state-dir.',
      cause: error,
    })
  }
  const held = database
  return {release: () => release(held)}
}

/** Whether some process holds the lock; `undefined` when it cannot be asked. Takes nothing and writes nothing. */
export async function isLocked(path: string): Promise<boolean | undefined> {
  const sqlite = await loadSqlite()
  let database: DatabaseSync | undefined
  try {
    database = new sqlite.DatabaseSync(path, {readOnly: true})
    database.exec('PRAGMA busy_timeout=0')
    database.prepare('SELECT count(*) FROM sqlite_master').get()
    return false
  } catch (error) {
    return isBusy(error) ? true : undefined
  } finally {
    database?.close()
  }
}

function release(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } finally {
    database.close()
  }
}

function isBusy(error: unknown): boolean {
  return systemCode(error) === 'ERR_SQLITE_ERROR' && (error as {errcode?: number}).errcode === BUSY
}

let loaded: Promise<typeof import('node:sqlite')> | undefined

function loadSqlite(): Promise<typeof import('node:sqlite')> {
  loaded ??= importQuietly()
  return loaded
}

/** Node 22 warns on stderr that its SQLite is experimental; what is used of it here has not changed since. */
async function importQuietly(): Promise<typeof import('node:sqlite')> {
  const {emitWarning} = process
  process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
    if (!String(warning).includes('SQLite')) emitWarning.call(process, warning, ...rest)
  }) as typeof process.emitWarning
  try {
    return await import('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}
