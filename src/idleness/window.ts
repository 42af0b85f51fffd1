/** When something was, by both clocks: the wall clock goes on while a machine sleeps, the monotonic one cannot be set. */
export interface Moment {
  readonly wall: number
  readonly monotonic: number
}

/** One look at a server: it is true of some moment between its request and its answer. */
export interface Look {
  readonly from: Moment
  readonly to: Moment
  readonly quiet: boolean
}

/** Looks that are closer share one backend status: SwarmUI keeps it for a second (reference section 3.1). */
export const DISTINCT_MS = 1100
export const DISTINCT_LOOKS = 3
/** Between two looks, more than was planned by so much, and nobody was watching. */
const SLACK_MS = 3000

/**
 * The time for which every look was quiet. It begins at the answer of the first and reaches to the request of the last, so
 * that it never claims a moment that no look covers; a look that was not quiet, or a gap in which a suspended machine saw
 * nothing, begins it anew. It is stable once it is as long as asked for and rests on three distinct looks; a window of
 * length 0 asks for one.
 */
export class StabilityWindow {
  readonly #stableForMs: number
  #first: Look | undefined
  #last: Look | undefined
  #counted: Moment | undefined
  #distinct = 0

  constructor(stableForMs: number) {
    this.#stableForMs = stableForMs
  }

  /** `plannedMs`: how long after the last look this one was meant to begin, and how long it may take. */
  add(look: Look, plannedMs: number): void {
    if (this.#last && elapsed(this.#last.to, look.to) > plannedMs + SLACK_MS) this.restart()
    if (!look.quiet) return this.restart()
    this.#first ??= look
    this.#last = look
    if (!this.#counted || look.from.monotonic - this.#counted.monotonic >= DISTINCT_MS) {
      this.#counted = look.to
      this.#distinct++
    }
  }

  restart(): void {
    this.#first = undefined
    this.#last = undefined
    this.#counted = undefined
    this.#distinct = 0
  }

  /** Milliseconds that are covered. */
  get quietMs(): number {
    if (!this.#first || !this.#last) return 0
    return Math.max(0, this.#last.from.monotonic - this.#first.to.monotonic)
  }

  get stable(): boolean {
    if (!this.#last) return false
    return this.#stableForMs === 0 || (this.quietMs >= this.#stableForMs && this.#distinct >= DISTINCT_LOOKS)
  }
}

/** Milliseconds from one moment to another by whichever clock saw more. */
export function elapsed(from: Moment, to: Moment): number {
  return Math.max(to.wall - from.wall, to.monotonic - from.monotonic)
}
