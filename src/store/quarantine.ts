import {mkdirSync, renameSync} from 'node:fs'
import {basename, join} from 'node:path'
import {storageError} from '../errors.ts'
import type {Layout} from './layout.ts'

/** Moves something bad out of the way, whatever it is: a link is moved, not followed. Throws `StorageError`. */
export function putAside({quarantine}: Layout, path: string, now: number): string {
  for (let number = 0; ; number++) {
    const stamp = new Date(now + number).toISOString().replace(/[:.]/g, '-')
    const place = join(quarantine, stamp)
    try {
      // A folder of its own for each: nothing that is there can be replaced.
      mkdirSync(quarantine, {recursive: true})
      mkdirSync(place)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw storageError(place, error)
    }
    try {
      renameSync(path, join(place, basename(path)))
      return join(place, basename(path))
    } catch (error) {
      throw storageError(path, error)
    }
  }
}
