import {watch} from 'node:fs'

/**
 * Calls `changed` when a file is made or removed in a folder. A folder that is not there, or a file system that tells
 * nothing (network mounts), calls never: whoever watches looks from time to time all the same. Returns how to stop.
 */
export function watchFolder(folder: string, changed: () => void): () => void {
  try {
    const watcher = watch(folder, {persistent: false}, () => changed())
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    return () => {}
  }
}
