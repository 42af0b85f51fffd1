import type {Clock} from '../../clock.ts'
import {AgError} from '../../errors.ts'
import {type GeneratedImage, GenerationError} from '../image-server.ts'

interface LostRun {
  /** Looks for the picture, and takes no other for it. */
  readonly find: () => Promise<GeneratedImage | undefined>
  /** How much the SwarmUI session that the work was sent with still has to do; rejects when the server cannot be asked. */
  readonly waitingGens: () => Promise<number>
  /** True once, after the server was restarted and so has forgotten what it had not finished. */
  readonly restarted: () => Promise<boolean>
  /** How many other runs of this session are still connected: their work is in the counters, too. */
  readonly othersRunning: () => number
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Give up on a server that stays away for this long. */
  readonly patienceMs: number
}

const POLLS_BEFORE_GONE = 2

/**
 * Looks for what became of a run whose connection broke. A SwarmUI goes on without us and keeps the picture under the
 * path we chose (recordings 08, 09); one that was restarted has forgotten the run (recordings 19, 20). So: the picture,
 * or the proof that the work is gone and may be asked for again, and never a second request while it may be running.
 *
 * Throws `GenerationError`: `failed` when the work is known to be gone, `lost` when the server stays away.
 */
export async function followLostRun(run: LostRun): Promise<GeneratedImage> {
  const {clock, signal} = run
  let lastSeen = clock.monotonic()
  let askedForRestart = false
  let quietPolls = 0
  let why = ''
  for (let wait = 500; clock.monotonic() - lastSeen < run.patienceMs; wait = Math.min(wait * 2, 5000)) {
    await clock.sleep(wait, signal)
    try {
      const forgotten = !askedForRestart && (await run.restarted())
      askedForRestart = true
      // The counters before the picture: it can be fetched before they fall, so not finding it afterwards is conclusive.
      const waiting = await run.waitingGens()
      const image = await run.find()
      if (image) return image
      lastSeen = clock.monotonic()
      quietPolls = waiting <= run.othersRunning() ? quietPolls + 1 : 0
      if (forgotten || quietPolls >= POLLS_BEFORE_GONE) throw gone(forgotten)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AgError) || (error instanceof GenerationError && error.fault === 'failed')) throw error
      quietPolls = 0
      why = ` The last answer: ${error.message}`
    }
  }
  throw new GenerationError('lost', `The connection broke and the server did not come back.${why}`, {
    next: 'The server may still finish the picture. Run the same command again when it is reachable.',
  })
}

function gone(restarted: boolean): GenerationError {
  return new GenerationError(
    'failed',
    restarted
      ? 'The server was restarted during the generation and has lost it.'
      : 'The connection broke, and the server has neither the picture nor the work any more.',
  )
}
