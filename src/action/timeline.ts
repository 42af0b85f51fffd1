import type {Report} from '../context.ts'

/** A stretch of a run, for its picture in time. Milliseconds of the wall clock. */
export interface Stretch {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly state: 'waited' | 'made' | 'found' | 'failed'
}

/** One thing that happened, in words. */
export interface Moment {
  readonly at: number
  readonly words: string
}

const REASONS_AT_MOST = 20
const MOMENTS_AT_MOST = 2000

/** Remembers when things happened, for the summary: a stretch for each picture, and the last of what else there was to say. */
export class Timeline {
  readonly stretches: Stretch[] = []
  readonly moments: Moment[] = []
  /** Why it waited, each reason once, in order. */
  readonly reasons: string[] = []
  #waitingSince: number | undefined
  readonly #started = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** For how long it waited in all. */
  get waitedMs(): number {
    return this.stretches.filter(({state}) => state === 'waited').reduce((sum, {from, to}) => sum + to - from, 0)
  }

  /** Nothing happens any more: also a wait that was not ended has ended. */
  end(): void {
    this.#endWait(this.#now())
  }

  note(event: Report): void {
    const at = this.#now()
    switch (event.event) {
      case 'wait.started':
        this.#waitingSince = at
        return
      case 'wait.state':
        return this.#waitState(at, event)
      case 'wait.finished':
        return this.#endWait(at)
      case 'asset.started':
        this.#started.set(event.asset, at)
        return
      case 'asset.retrying':
        return this.#moment(at, `${event.asset} is tried again: ${event.message}`)
      case 'asset.completed': {
        const state = event.source === 'adopted' ? 'found' : 'made'
        const from = this.#started.get(event.asset) ?? at - event.duration_seconds * 1000
        this.stretches.push({name: event.asset, from, to: at, state})
        return this.#moment(at, `${event.asset} is ${state} (${event.session})`)
      }
      case 'asset.failed':
        this.stretches.push({name: event.asset, from: this.#started.get(event.asset) ?? at, to: at, state: 'failed'})
        return this.#moment(at, `${event.asset} ${event.state} (${event.session}): ${event.message}`)
      case 'recover.session':
        return this.#moment(at, `${event.session} ${event.state}: ${event.message}`)
      case 'notice':
        return this.#moment(at, event.message)
      default:
    }
  }

  #waitState(
    at: number,
    {server, state, reason}: Extract<Report, {event: 'wait.state' | 'wait.look' | 'wait.heartbeat'}>,
  ): void {
    const words = `${server} is ${state}: ${reason}`
    this.#moment(at, words)
    if (state === 'idle' || this.reasons.at(-1) === words) return
    if (this.reasons.length < REASONS_AT_MOST) this.reasons.push(words)
  }

  #endWait(at: number): void {
    if (this.#waitingSince === undefined) return
    this.stretches.push({name: 'waiting', from: this.#waitingSince, to: at, state: 'waited'})
    this.#waitingSince = undefined
  }

  #moment(at: number, words: string): void {
    this.moments.push({at, words})
    if (this.moments.length > MOMENTS_AT_MOST) this.moments.shift()
  }
}
