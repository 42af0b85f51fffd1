import {DISTINCT_MS} from './window.ts'

const CEILING_MS = 5000
const GROWTH = 1.3
const JITTER = 0.15

/**
 * How long to wait before the next look at a server. Quick at first and while it is quiet, slower the longer it is busy or
 * away, quick again when its queue shrinks; never so quick that two looks see the same cached answer, and never in step
 * with others who wait for it. A fixed interval is taken as it is.
 */
export class Pace {
  readonly #fixedMs: number | undefined
  readonly #random: () => number
  #delay = DISTINCT_MS
  #queue = Number.POSITIVE_INFINITY

  constructor(fixedMs: number | undefined, random: () => number = Math.random) {
    this.#fixedMs = fixedMs
    this.#random = random
  }

  /** `queue`: how many pictures wait or run, where that is known. */
  next({quiet, queue}: {readonly quiet: boolean; readonly queue: number | undefined}): number {
    if (this.#fixedMs !== undefined) return this.#fixedMs
    const shrunk = queue !== undefined && queue < this.#queue
    if (queue !== undefined) this.#queue = queue
    this.#delay = quiet || shrunk ? DISTINCT_MS : Math.min(CEILING_MS, this.#delay * GROWTH)
    return this.#delay * (1 + JITTER * this.#random())
  }
}
