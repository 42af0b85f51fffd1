import {join} from 'node:path'
import type {Clock} from '../clock.ts'
import {type KernelLock, tryLock} from './kernel-lock.ts'
import type {Layout} from './layout.ts'

const TRIES = 40
const AGAIN_MS = 50
/** Other processes are let in again after so long. */
const HOLD_MS = 100

/** Something to do under the lock; or what it hears when there is none, because others have it or the disk refuses. */
interface Turn {
  readonly take: () => Promise<void>
  readonly leave: (error?: unknown) => void
}

/** What this process wants to do under a lock: one taking of it serves all who wait. */
const queues = new Map<string, Turn[]>()

/**
 * Does what only one process at a time may do to histories that are not its own: taking one over, replacing or removing it.
 * `undefined` when the others do not let us in within two seconds: then they are at it.
 */
export function withClaimLock<T>({locks}: Layout, clock: Clock, work: () => Promise<T>): Promise<T | undefined> {
  const path = join(locks, 'claim.lock')
  return new Promise((resolve, reject) => {
    const turn: Turn = {
      take: () => work().then(resolve, reject),
      leave: (error) => (error === undefined ? resolve(undefined) : reject(error)),
    }
    const queue = queues.get(path)
    if (queue) return void queue.push(turn)
    const first = [turn]
    queues.set(path, first)
    void drain(path, first, clock)
  })
}

/** Takes the lock as often as it takes until nobody waits; whoever waits when it cannot be had is told so. */
async function drain(path: string, queue: Turn[], clock: Clock): Promise<void> {
  while (queue.length > 0) {
    try {
      const lock = await waitForLock(path, clock)
      if (lock) await takeTurns(queue, lock, clock)
      else for (const turn of queue.splice(0)) turn.leave()
    } catch (error) {
      for (const turn of queue.splice(0)) turn.leave(error)
    }
  }
  queues.delete(path)
}

async function takeTurns(queue: Turn[], lock: KernelLock, clock: Clock): Promise<void> {
  const until = clock.monotonic() + HOLD_MS
  try {
    do await queue.shift()?.take()
    while (queue.length > 0 && clock.monotonic() < until)
  } finally {
    lock.release()
  }
}

async function waitForLock(path: string, clock: Clock): Promise<KernelLock | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    const lock = await tryLock(path)
    if (lock) return lock
    await clock.sleep(AGAIN_MS)
  }
  return undefined
}
