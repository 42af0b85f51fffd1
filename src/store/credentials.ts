import {readFileSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {storageError, UsageError} from '../errors.ts'
import {isSessionId} from '../session/history-line.ts'
import type {Layout} from './layout.ts'
import {replaceFile} from './replace-file.ts'
import type {Credential} from './session-store.ts'

/** Keeps what another process of this user needs to stop a run, readable by this user alone; `undefined` removes it. */
export async function keepCredential(layout: Layout, run: string, credential: Credential | undefined): Promise<void> {
  const path = pathOf(layout, run)
  if (credential === undefined) return rmSync(path, {force: true})
  try {
    await replaceFile(path, JSON.stringify(credential), 0o600)
  } catch (error) {
    throw storageError(path, error)
  }
}

export function readCredential(layout: Layout, run: string): Credential | undefined {
  try {
    return JSON.parse(readFileSync(pathOf(layout, run), 'utf8'))
  } catch {
    return undefined
  }
}

function pathOf(layout: Layout, run: string): string {
  if (!isSessionId(run)) throw new UsageError(`"${run}" cannot be the name of a run.`)
  return join(layout.private, `${run}.json`)
}
