import {randomBytes, randomUUID} from 'node:crypto'
import {Gallery} from './gallery.ts'
import type {MockSettings, UserSettings} from './options.ts'
import type {Role} from './permissions.ts'

/** Counters of one SwarmUI session; `waiting_gens` includes running work (recording 05). */
export interface Counters {
  waiting_gens: number
  loading_models: number
  waiting_backends: number
  live_gens: number
}

export interface MockUser {
  readonly name: string
  readonly role: Role
  readonly token: string | undefined
  readonly passwordHash: string | undefined
  readonly gallery: Gallery
  /** Starts at 1001 with each start of the server. */
  nextRequestId: number
}

export interface MockSession {
  readonly id: string
  readonly user: MockUser
  readonly counters: Counters
  /** Aborting one interrupts that request. */
  readonly requests: Set<AbortController>
}

/** Who the server knows. Sessions and pictures outlive a restart, counters and request ids do not (recordings 19, 20). */
export class Users {
  readonly #users = new Map<string, MockUser>()
  readonly #sessions = new Map<string, MockSession>()
  #serverId = randomUUID() as string

  constructor(settings: MockSettings) {
    this.add({name: 'local', role: 'owner'})
    for (const user of settings.users) this.add(user)
  }

  get serverId(): string {
    return this.#serverId
  }

  get all(): readonly MockUser[] {
    return [...this.#users.values()]
  }

  /** Adds a user; `undefined` when there is one of that name. */
  add({name, role, token, password_hash}: Partial<UserSettings> & {name: string; role: Role}): MockUser | undefined {
    const known = this.#users.get(name)
    if (known) return undefined
    const user: MockUser = {
      name,
      role,
      token,
      passwordHash: password_hash,
      gallery: new Gallery(),
      nextRequestId: 1001,
    }
    this.#users.set(name, user)
    return user
  }

  named(name: string): MockUser | undefined {
    return this.#users.get(name)
  }

  withToken(token: string): MockUser | undefined {
    return this.all.find((user) => user.token === token)
  }

  open(user: MockUser): MockSession {
    const session: MockSession = {
      id: randomBytes(20).toString('hex'),
      user,
      counters: {waiting_gens: 0, loading_models: 0, waiting_backends: 0, live_gens: 0},
      requests: new Set(),
    }
    this.#sessions.set(session.id, session)
    return session
  }

  session(id: string): MockSession | undefined {
    return this.#sessions.get(id)
  }

  sessionsOf(user?: MockUser): readonly MockSession[] {
    return [...this.#sessions.values()].filter((session) => user === undefined || session.user === user)
  }

  /** Sums the counters of all sessions, or of one user's. */
  sum(user?: MockUser): Counters {
    const sum = {waiting_gens: 0, loading_models: 0, waiting_backends: 0, live_gens: 0}
    for (const {counters} of this.sessionsOf(user)) {
      for (const key of Object.keys(sum) as (keyof Counters)[]) sum[key] += counters[key]
    }
    return sum
  }

  /** A new start of the server: another `server_id`, nothing counted, nothing queued. */
  restart(): void {
    this.#serverId = randomUUID()
    for (const user of this.all) user.nextRequestId = 1001
    for (const session of this.sessionsOf()) {
      for (const request of session.requests) request.abort('restart')
      session.requests.clear()
      Object.assign(session.counters, {waiting_gens: 0, loading_models: 0, waiting_backends: 0, live_gens: 0})
    }
  }
}
