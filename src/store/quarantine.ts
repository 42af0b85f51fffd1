import {copyFileSync, mkdirSync, renameSync} from 'node:fs'
import {basename, join} from 'node:path'
import {storageError, systemCode} from '../errors.ts'
import type {Layout} from './layout.ts'

/** Moves something bad out of the way, whatever it is: a link is moved, not followed. Throws `StorageError`. */
export function putAside(layout: Layout, path: string, now: number): string {
  return aside(layout, path, now, renameSync)
}

/** Keeps a copy of a file that is about to be replaced by something that has not all of it. Throws `StorageError`. */
export function copyAside(layout: Layout, path: string, now: number): string {
  return aside(layout, path, now, copyFileSync)
}

function aside({quarantine}: Layout, path: string, now: number, put: (from: string, to: string) => void): string {
  try {
    const place = join(newFolder(quarantine, now), basename(path))
    put(path, place)
    return place
  } catch (error) {
    throw storageError(path, error)
  }
}

/** A folder of its own for each: nothing that is there can be replaced. */
function newFolder(quarantine: string, now: number): string {
  mkdirSync(quarantine, {recursive: true})
  for (let number = 0; ; number++) {
    const place = join(quarantine, new Date(now + number).toISOString().replace(/[:.]/g, '-'))
    try {
      mkdirSync(place)
      return place
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
    }
  }
}
