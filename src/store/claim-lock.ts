import {join} from 'node:path'
import type {Clock} from '../clock.ts'
import {tryLock} from './kernel-lock.ts'
import type {Layout} from './layout.ts'

const TRIES = 40
const AGAIN_MS = 50

/**
 * Does what only one process at a time may do to histories that are not its own: taking one over, replacing or removing it.
 * `undefined` when the others do not let us in within two seconds: then they are at it.
 */
export async function withClaimLock<T>({locks}: Layout, clock: Clock, work: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    const lock = await tryLock(join(locks, 'claim.lock'))
    if (!lock) {
      await clock.sleep(AGAIN_MS)
      continue
    }
    try {
      return await work()
    } finally {
      lock.release()
    }
  }
  return undefined
}
