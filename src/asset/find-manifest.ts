import {stat} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {UsageError} from '../errors.ts'

const NAMES = ['ag.yaml', 'ag.yml', 'ag.json']

/** The manifest of a folder: the first of ag.yaml, ag.yml, ag.json. Throws `UsageError` when there is none. */
export async function findManifest(folder: string): Promise<string> {
  for (const name of NAMES) {
    const path = join(folder, name)
    if (await stat(path).catch(() => undefined)) return path
  }
  throw new UsageError(`There is no manifest (${NAMES.join(', ')}) in ${resolve(folder)}.`, {
    next: 'Name one, or write a starter with: ag init',
  })
}
