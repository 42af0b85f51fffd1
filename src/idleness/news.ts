import type {Context} from '../context.ts'
import type {ServerState} from './find.ts'
import type {ServerWatch} from './server-watch.ts'

type NewsContext = Pick<Context, 'clock' | 'report'>

const HEARTBEAT_MS = 60_000

/** Tells each change of a server's state once, and that it lasts once a minute; the looks between are for live displays. */
export class News {
  readonly #watch: ServerWatch
  readonly #context: NewsContext
  #state: ServerState | undefined
  #restarts = 0
  #toldAt = 0

  constructor(watch: ServerWatch, context: NewsContext) {
    this.#watch = watch
    this.#context = context
  }

  tell(): void {
    const {found, server, quietMs, restarts} = this.#watch
    const {clock, report} = this.#context
    if (restarts > this.#restarts) report({event: 'wait.restarted', server: server.address})
    this.#restarts = restarts
    const changed = found.state !== this.#state
    const due = clock.monotonic() - this.#toldAt >= HEARTBEAT_MS
    if (changed || due) this.#toldAt = clock.monotonic()
    this.#state = found.state
    const {address} = server.contact()
    report({
      event: changed ? 'wait.state' : due ? 'wait.heartbeat' : 'wait.look',
      server: server.address,
      ...(address ? {address} : {}),
      state: found.state,
      reason: found.reason,
      quiet_seconds: Math.round(quietMs) / 1000,
    })
  }
}
