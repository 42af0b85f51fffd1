import type {Duplex} from 'node:stream'
import {featuresOf, summarise} from './backend-answers.ts'
import {Backends} from './backends.ts'
import {Faults} from './faults.ts'
import type {MockSettings} from './options.ts'
import {type Counters, type MockSession, Users} from './users.ts'

/** Everything a mock server is, apart from its sockets. */
export class World {
  readonly settings: MockSettings
  readonly users: Users
  readonly backends: Backends
  readonly faults: Faults
  /** Open connections, broken by a restart. */
  readonly connections = new Set<{destroy(): unknown}>()
  /** How many generation requests were understood since it was started, whatever became of them. */
  generations = 0
  /** Aborted when the server stops: ends all waiting. */
  readonly stopped = new AbortController()

  constructor(settings: MockSettings) {
    this.settings = settings
    this.users = new Users(settings)
    this.backends = new Backends(settings)
    this.faults = new Faults(settings.faults)
  }

  /** The server is killed and started again: connections break, running and queued work is lost (recording 19). */
  restart(caller?: Duplex): void {
    this.users.restart()
    for (const connection of this.connections) if (connection !== caller) connection.destroy()
  }

  get old(): boolean {
    return this.settings.version === '0.9.7'
  }

  /** The status object of sockets and status routes, for one session or, without one, for all and foreign work, too. */
  status(session?: MockSession): object {
    const counters = session ? session.counters : this.#global()
    return {
      status: {...counters},
      backend_status: summarise(this.backends.all),
      supported_features: featuresOf(this.backends.all),
    }
  }

  #global(): Counters {
    const sum = this.users.sum()
    for (const [key, value] of Object.entries(this.settings.foreign)) sum[key as keyof Counters] += value ?? 0
    return sum
  }
}
