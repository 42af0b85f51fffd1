import {chmodSync, lstatSync, mkdirSync, writeFileSync} from 'node:fs'
import {dirname} from 'node:path'
import {StorageError, systemCode} from '../errors.ts'
import type {Layout} from './layout.ts'

/** Makes the folders of a workspace, which git is to ignore. Throws as the system does, and `StorageError` for what is not ours. */
export function makeFolders(layout: Layout): void {
  const {sessions, local, active, owners, locks, runs, cancel, gitignore, private: credentials} = layout
  for (const folder of [dirname(sessions), sessions, local, active, owners, locks, runs, cancel]) makeFolder(folder)
  makeFolder(credentials, 0o700)
  keepPrivate(credentials)
  makeOnce(gitignore, '*\n')
}

/** Makes a folder of the workspace; a link in its place would lead our writes somewhere else. */
function makeFolder(path: string, mode?: number): void {
  mkdirSync(path, {recursive: true, ...(mode === undefined ? {} : {mode})})
  if (lstatSync(path).isSymbolicLink()) {
    throw new StorageError(`${path} is a symbolic link, and ag keeps its histories in folders only.`, {
      next: 'Remove the link, or choose another place with --state-dir.',
    })
  }
}

/** Credentials are for one user only. Throws `StorageError` for a folder that is another's. */
function keepPrivate(folder: string): void {
  try {
    chmodSync(folder, 0o700)
  } catch (error) {
    if (systemCode(error) !== 'EPERM') throw error
    throw new StorageError(`${folder} belongs to another user, whose credentials it keeps.`, {
      next: 'Use a workspace of your own: --state-dir (AG_STATE_DIR).',
      cause: error,
    })
  }
}

/** Writes a file that nobody has made yet; false where there is one, which stays, whatever it is. */
export function makeOnce(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, {flag: 'wx'})
    return true
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    return false
  }
}
