import {describe, expect, test} from '@jest/globals'
import * as fc from 'fast-check'
import {UnreachableError} from '../src/errors.ts'
import type {ActivitySample, ImageServer} from '../src/server/image-server.ts'
import type {SessionStore} from '../src/store/session-store.ts'
import {waitIdle} from '../src/wait-idle.ts'
import {type VirtualTime, virtualTime} from './support/virtual-time.ts'

const SCHEDULES = 10_000
/** Two looks so far apart by the wall clock left the server unwatched. */
const UNWATCHED_MS = 20_000
/** How much longer than on the monotonic clock a suspension lasts on the wall clock. */
const SUSPENDED_FOR = 10
const KINDS = ['idle', 'busy', 'live', 'loading', 'away', 'hanging', 'nonsense', 'restart', 'suspended'] as const

interface Phase {
  readonly kind: (typeof KINDS)[number]
  readonly ms: number
}

interface Schedule {
  readonly phases: readonly Phase[]
  readonly latencyMs: number
  readonly stableForMs: number
  readonly intervalMs: number | undefined
  readonly timeoutMs: number
  readonly seed: number
}

const schedule: fc.Arbitrary<Schedule> = fc.record({
  phases: fc.array(
    fc.record({
      kind: fc.constantFrom(...KINDS, 'idle' as const, 'idle' as const),
      ms: fc.oneof(fc.integer({min: 1, max: 3000}), fc.integer({min: 1000, max: 25_000})),
    }),
    {minLength: 1, maxLength: 10},
  ),
  latencyMs: fc.constantFrom(0, 3, 40, 900, 4000),
  stableForMs: fc.constantFrom(0, 500, 2000, 5000, 10_000),
  intervalMs: fc.constantFrom(undefined, undefined, 20, 400, 3000),
  timeoutMs: fc.integer({min: 500, max: 60_000}),
  seed: fc.integer({min: 1, max: 2 ** 31 - 1}),
})

/** One look of the gate, and what was true of the server at the moment it answered for. */
interface Answered {
  readonly asked: number
  readonly answered: number
  readonly wall: number
  readonly idle: boolean
  readonly started: number
}

/** A server whose state is a function of the time, and a record of what it was asked. */
class ScheduledServer {
  readonly address = 'http://scheduled'
  readonly answers: Answered[] = []
  readonly #time: VirtualTime
  readonly #schedule: Schedule
  #random: number
  #known: number | undefined

  constructor(time: VirtualTime, of: Schedule) {
    this.#time = time
    this.#schedule = of
    this.#random = of.seed
    let at = 0
    for (const {kind, ms} of of.phases) {
      if (kind === 'suspended') time.suspend(at, ms * SUSPENDED_FOR)
      at += ms
    }
  }

  async sample({signal, answerWithin}: {signal: AbortSignal; answerWithin: number}): Promise<ActivitySample> {
    const asked = this.#time.monotonic()
    // The session with which a client asks tells who the server is.
    this.#known ??= this.#now().started
    const share = this.next()
    await this.#time.sleep(this.#schedule.latencyMs * share, signal)
    const {kind, started} = this.#now()
    const idle = kind === 'idle' || kind === 'restart' || kind === 'suspended'
    if (kind === 'hanging') {
      await this.#time.sleep(answerWithin, signal)
      throw new UnreachableError('it did not answer in time')
    }
    await this.#time.sleep(this.#schedule.latencyMs * (1 - share), signal)
    this.answers.push({asked, answered: this.#time.monotonic(), wall: this.#time.now(), idle, started})
    if (kind === 'away' || kind === 'nonsense') throw new UnreachableError('it is away')
    const busy = kind === 'busy' ? 1 : 0
    return {
      activity: {waitingGens: busy, waitingBackends: 0, loadingModels: 0, liveGens: kind === 'live' ? 1 : 0},
      backendStatus: {status: 'running', message: '', loading: kind === 'loading'},
      readiness: {usable: true},
    }
  }

  async serverId({signal, fresh}: {signal: AbortSignal; fresh: boolean}): Promise<string> {
    if (fresh) {
      await this.#time.sleep(this.#schedule.latencyMs / 2, signal)
      const {kind, started} = this.#now()
      if (kind === 'away' || kind === 'hanging') throw new UnreachableError('it is away')
      this.#known = started
    }
    return `started ${this.#known}`
  }

  contact(): object {
    return {}
  }

  next(): number {
    this.#random = (this.#random * 48_271) % 2_147_483_647
    return this.#random / 2_147_483_647
  }

  /** The phase of this moment, and how often the server has been started. The last phase lasts for ever. */
  #now(): {kind: Phase['kind']; started: number} {
    let at = this.#time.monotonic()
    let started = 0
    let kind: Phase['kind'] = 'idle'
    for (const phase of this.#schedule.phases) {
      kind = phase.kind
      if (kind === 'restart') started++
      if (at < phase.ms) break
      at -= phase.ms
    }
    return {kind, started}
  }
}

/** When the deadline is due by the monotonic clock: earlier, if the wall clock ran on while the machine was suspended. */
function dueAt({phases, timeoutMs}: Schedule): number {
  let at = 0
  let ahead = 0
  let due = timeoutMs
  for (const {kind, ms} of phases) {
    // What was before the wait began does not count.
    if (kind === 'suspended' && at > 0) {
      ahead += ms * SUSPENDED_FOR
      due = Math.min(due, Math.max(at, timeoutMs - ahead))
    }
    at += ms
  }
  return due
}

const noSessions = {watch: () => () => {}} as unknown as SessionStore

describe(`${SCHEDULES} random schedules of counters, faults, restarts and suspensions`, () => {
  test('never open the gate by mistake, and never miss a deadline', async () => {
    let opened = 0
    await fc.assert(
      fc.asyncProperty(schedule, async (of) => {
        const time = virtualTime()
        const server = new ScheduledServer(time, of)
        const context = {
          servers: [server as unknown as ImageServer],
          sessions: noSessions,
          clock: time,
          signal: new AbortController().signal,
          report: () => {},
        }
        const {stableForMs, intervalMs, timeoutMs} = of
        const result = await time.run(
          waitIdle(context, {
            scope: 'server',
            stableForMs,
            ...(intervalMs === undefined ? {} : {intervalMs}),
            timeoutMs,
            maxQueue: 0,
            requireBackends: 1,
            required: 1,
            onTimeout: 'fail',
            advice: {late: '', denied: ''},
            reverse: false,
            random: () => server.next(),
          }),
        )
        expect(time.monotonic() - dueAt(of)).toBeLessThanOrEqual(1000)
        if (!result.open) return expect([3, 124]).toContain(result.exit_code)

        opened++
        const lastBad = server.answers.findLastIndex(({idle}) => !idle)
        const good = server.answers.slice(lastBad + 1)
        const starts = good.filter(({started}) => started === good.at(-1)?.started)
        const unwatched = starts.findLastIndex(({wall}, at) => wall - (starts[at - 1]?.wall ?? wall) > UNWATCHED_MS)
        const watched = starts.slice(Math.max(0, unwatched))
        expect(watched.length).toBeGreaterThanOrEqual(stableForMs === 0 ? 1 : 3)
        if (stableForMs === 0) return
        const covered = (watched.at(-1)?.asked ?? 0) - (watched[0]?.answered ?? 0)
        expect(Math.ceil(covered)).toBeGreaterThanOrEqual(stableForMs)
      }),
      {numRuns: SCHEDULES, seed: 20_260_214},
    )
    expect(opened).toBeGreaterThan(SCHEDULES / 10)
  }, 120_000)
})
