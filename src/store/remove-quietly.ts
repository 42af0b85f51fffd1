import {rmSync} from 'node:fs'

/**
 * Removes what nobody needs any more; true when it is gone. A disk that does not let go of it is not worth a generation: what
 * is left is found and removed by `tidyUp`, and changes no verdict meanwhile.
 */
export function removeQuietly(path: string): boolean {
  try {
    rmSync(path, {force: true, recursive: true})
    return true
  } catch {
    return false
  }
}
