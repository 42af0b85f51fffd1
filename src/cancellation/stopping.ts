import type {Context} from '../context.ts'
import type {Deadline} from '../deadline.ts'
import {isSettled} from '../session/history-line.ts'
import type {Attendant, OwnedSession} from '../store/session-store.ts'
import {type CancelOutcome, goesOn, over} from './outcome.ts'
import type {Target} from './targets.ts'
import {CancelWork} from './work.ts'

const LOOK_AGAIN_MS = 150
const ANSWER_WITHIN_MS = 10_000
/** What has not stopped by then is worth a word why (recording 33: a backend that finishes what it has begun). */
const SLOW_MS = 2500

/**
 * Sessions and processes of one run that are to stop. Interrupts the sessions until they are settled, by their process or, where that
 * is gone, by us; and waits until the processes have left their run.
 */
export class Stopping {
  readonly #context: Context
  readonly #run: string
  readonly #processes: readonly Attendant[]
  readonly #sessions: OwnedSession[]
  readonly #known: Set<string>
  readonly #work: CancelWork
  /** Whom it was last asked of, by session. */
  readonly #asked = new Map<string, string>()
  readonly #settled = new Map<string, CancelOutcome>()
  /** Whether the server has stopped what was sent. */
  #stopped = false
  #ended = false

  /** `known` are the ids of all sessions that were there at first; what is not among them was begun since. */
  constructor(
    context: Context,
    {run, processes, sessions}: Pick<Target, 'run' | 'processes' | 'sessions'>,
    known: readonly string[],
  ) {
    this.#context = context
    this.#run = run
    this.#processes = processes
    this.#sessions = [...sessions]
    this.#known = new Set(known)
    this.#work = new CancelWork(context)
  }

  /** Whether the processes have left their run. */
  get ended(): boolean {
    return this.#ended
  }

  /** What became of the sessions, those that were begun meanwhile among them. */
  get outcomes(): readonly CancelOutcome[] {
    return this.#sessions.map((session) => {
      const end = this.#settled.get(session.id)
      const onlyHere = this.#processes.length > 0 && !this.#stopped && end?.outcome === 'cancelled'
      return end && !onlyHere ? end : goesOn(session)
    })
  }

  /** Asks the processes to stop. Throws `StorageError`. */
  async ask(): Promise<void> {
    for (const {id} of this.#processes) await this.#context.sessions.runs.requestCancel({attendant: id})
    await this.#askOwners()
  }

  /** Comes back when all has stopped, or the deadline has passed. Throws what keeps us from asking the server. */
  async untilAllHasStopped(deadline: Deadline): Promise<void> {
    const {clock} = this.#context
    const started = clock.monotonic()
    let warned = false
    try {
      // Again and again: the credential appears only with the first request, and a request may cross the interrupt on its way.
      while (!(await this.#look(deadline.signal))) {
        if (!warned && clock.monotonic() - started > SLOW_MS) {
          warned = true
          await this.#tellWhy(deadline.signal)
        }
        await clock.sleep(LOOK_AGAIN_MS, deadline.signal)
      }
    } catch (error) {
      if (!deadline.passed()) throw error
    }
  }

  async #look(signal: AbortSignal): Promise<boolean> {
    await this.#askOwners()
    // Where sessions were named, the others of a run that share their SwarmUI session are to go on.
    await this.#work.stop(this.#processes.length > 0 ? this.#sessions : this.#open(), signal)
    for (const session of await this.#begunSince()) {
      this.#sessions.push(session)
      this.#known.add(session.id)
    }
    for (const session of this.#open()) {
      const now = await this.#settleIfGone(session)
      if (now && isSettled(now)) this.#settled.set(session.id, over(now))
    }
    // The others of a run, of which only some were cancelled, go on under the same credential.
    const serverIsAtIt = this.#processes.length > 0 && this.#work.left(this.#sessions) > 0
    this.#stopped = this.#open().length === 0 && !serverIsAtIt
    this.#ended = (await this.#stillThere()).length === 0
    return this.#stopped && this.#ended
  }

  #open(): readonly OwnedSession[] {
    return this.#sessions.filter(({id}) => !this.#settled.has(id))
  }

  /** A session may change its owner while it is to be stopped: each is asked once. */
  async #askOwners(): Promise<void> {
    const {sessions} = this.#context
    for (const {id} of this.#open()) {
      const now = await sessions.get(id)
      if (!now || isSettled(now) || now.ownerStanding === 'foreign' || this.#asked.get(id) === now.owner) continue
      this.#asked.set(id, now.owner)
      await sessions.runs.requestCancel({session: id, owner: now.owner})
    }
  }

  /** Sessions that the processes have begun, or taken over, since they were to stop. */
  async #begunSince(): Promise<readonly OwnedSession[]> {
    if (this.#processes.length === 0) return []
    // In this order: who is still at this run was at no other one before.
    const active = await this.#context.sessions.list({active: true})
    const tokens = new Set((await this.#stillThere()).map(({token}) => token))
    return active.filter(({id, owner}) => tokens.has(owner) && !this.#known.has(id))
  }

  async #stillThere(): Promise<readonly Attendant[]> {
    const ids = new Set(this.#processes.map(({id}) => id))
    return ids.size === 0 ? [] : (await this.#context.sessions.runs.attendants()).filter(({id}) => ids.has(id))
  }

  /** The session as it is now; settled by us if its process is gone and the server has stopped. */
  async #settleIfGone(one: OwnedSession): Promise<OwnedSession | undefined> {
    const {sessions} = this.#context
    const session = await sessions.get(one.id)
    if (!session || isSettled(session) || session.ownerStanding !== 'dead' || this.#work.left([one]) > 0) return session
    const writer = await sessions.claim(one.id)
    const error = 'Cancelled by `ag cancel`.'
    await writer?.append({event: 'cancelled', state: 'cancelled', message: error, result: {error, reason: 'cancelled'}})
    return sessions.get(one.id)
  }

  async #tellWhy(signal: AbortSignal): Promise<void> {
    const why = this.#stopped ? 'has not ended yet.' : await this.#whyItGoesOn(signal)
    this.#context.report({event: 'notice', message: `The run ${this.#run} ${why}`})
  }

  async #whyItGoesOn(signal: AbortSignal): Promise<string> {
    const {server} = this.#context
    const {backends} = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS, own: true, thorough: true})
    return backends?.some(({status, interruptible}) => status === 'running' && !interruptible)
      ? 'goes on: a backend of this server cannot be interrupted; it finishes the picture it has begun, which is kept.'
      : 'has not stopped yet: a backend stops between two steps.'
  }
}
