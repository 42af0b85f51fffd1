import {writeFile} from 'node:fs/promises'
import {STARTER} from './asset/starter.ts'
import {storageError, systemCode, UsageError} from './errors.ts'

/** Writes the starter manifest. Throws `UsageError` when there is a file of that name, `StorageError` when the disk refuses. */
export async function init(path: string): Promise<{readonly path: string}> {
  if (!/\.ya?ml$/i.test(path)) {
    throw new UsageError(`${path} is no name for the starter manifest, which is YAML.`, {next: 'Name it ag.yaml.'})
  }
  try {
    await writeFile(path, STARTER, {flag: 'wx'})
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw storageError(path, error)
    throw new UsageError(`${path} exists already.`, {next: 'Choose another name: ag init NAME', cause: error})
  }
  return {path}
}
