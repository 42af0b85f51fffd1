import {dirname} from 'node:path'
import type {Asset} from './asset.ts'

/** The ids and output paths that assets have taken. Case does not count: not every file system tells it apart. */
export class Claims {
  readonly #ids = new Map<string, string>()
  readonly #files = new Map<string, string>()
  readonly #folders = new Map<string, string>()

  /** Takes an asset's id and path; returns what is wrong when another asset has one of them. */
  claim({id, expectedFormat, pathFor}: Asset): string | undefined {
    const other = this.#ids.get(id.toLowerCase())
    if (other !== undefined)
      return `the id "${id}" is already taken${other === id ? '' : ` by "${other}"`}: ids are unique, and case does not count`
    this.#ids.set(id.toLowerCase(), id)
    const path = pathFor(expectedFormat).toLowerCase()
    const owner = this.#files.get(path)
    if (owner !== undefined)
      return `"${id}" and "${owner}" have the same output path: give "path" a placeholder that tells them apart, such as {id}`
    const inside = this.#folders.get(path)
    if (inside !== undefined) return `the output path of "${id}" is a folder in that of "${inside}"`
    this.#files.set(path, id)
    return this.#claimFolders(path, id)
  }

  #claimFolders(path: string, id: string): string | undefined {
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
      const owner = this.#files.get(folder)
      if (owner !== undefined) return `the output path of "${owner}" is a folder in that of "${id}"`
      if (this.#folders.has(folder)) return undefined
      this.#folders.set(folder, id)
    }
    return undefined
  }
}
