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

/** Remembers when things happened, for the summary: bounded, whatever the size of the run. */
export class Timeline {
  readonly stretches: Stretch[] = []
  readonly moments: Moment[] = []
  /** Why it waited before it began, each reason once, in order. */
  readonly reasons: string[] = []
  #waitingSince: number | undefined
  readonly #started = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Whether something was waited for. */
  get waited(): boolean {
    return this.stretches.some(({state}) => state === 'waited')
  }

  note(event: Report): void {
    const at = this.#now()
    switch (event.event) {
      case 'wait.started':
        this.#waitingSince = at
        break
      case 'wait.state':
        if (event.state !== 'idle') this.#reason(`${event.server} is ${event.state}: ${event.reason}`)
        this.#moment(at, `${event.server} is ${event.state}: ${event.reason}`)
        break
      case 'wait.finished':
        if (this.#waitingSince !== undefined) this.#stretch('waiting', this.#waitingSince, at, 'waited')
        break
      case 'asset.started':
        this.#started.set(event.asset, at)
        break
      case 'asset.retrying':
        this.#moment(at, `${event.asset} is tried again: ${event.message}`)
        break
      case 'asset.completed': {
        const from = this.#started.get(event.asset) ?? at - event.duration_seconds * 1000
        this.#stretch(event.asset, from, at, event.source === 'adopted' ? 'found' : 'made')
        this.#moment(at, `${event.asset} is ${event.source === 'adopted' ? 'found' : 'made'} (${event.session})`)
        break
      }
      case 'asset.failed':
        this.#stretch(event.asset, this.#started.get(event.asset) ?? at, at, 'failed')
        this.#moment(at, `${event.asset} ${event.state} (${event.session}): ${event.message}`)
        break
      case 'recover.session':
        this.#moment(at, `${event.session} ${event.state}: ${event.message}`)
        break
      case 'notice':
        this.#moment(at, event.message)
        break
      default:
    }
  }

  #reason(words: string): void {
    if (this.reasons.length < 20 && this.reasons.at(-1) !== words) this.reasons.push(words)
  }

  #stretch(name: string, from: number, to: number, state: Stretch['state']): void {
    this.stretches.push({name, from, to, state})
  }

  #moment(at: number, words: string): void {
    this.moments.push({at, words})
  }
}
