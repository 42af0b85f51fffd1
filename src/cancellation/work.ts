import type {Context} from '../context.ts'
import type {Credential, OwnedSession} from '../store/session-store.ts'

const INTERRUPT_AGAIN_MS = 1000

/**
 * What a server still does for a run that is to be stopped. Several processes may be at one run, each with a SwarmUI session of
 * its own: what was sent under it is stopped under it.
 */
export class CancelWork {
  readonly #context: Context
  /** By the token of the process. What was seen once counts to the end: a process takes its own back before the server has stopped. */
  readonly #credentials = new Map<string, Credential>()
  readonly #interruptedAt = new Map<string, number>()
  readonly #waiting = new Map<string, number>()

  constructor(context: Context) {
    this.#context = context
  }

  /** Interrupts what these sessions were sent under, again and again: a request may cross the interrupt on its way. */
  async stop(sessions: readonly OwnedSession[], signal: AbortSignal): Promise<void> {
    const {server, clock} = this.#context
    for (const [token, credential] of await credentialsFor(this.#context.sessions, sessions)) {
      // What another server gave is not for this one; its process, which is alive, stops by itself.
      if (credential.server === server.address) this.#credentials.set(token, credential)
    }
    for (const secret of this.#secretsOf(sessions)) {
      if (clock.monotonic() - (this.#interruptedAt.get(secret) ?? Number.NEGATIVE_INFINITY) >= INTERRUPT_AGAIN_MS) {
        this.#interruptedAt.set(secret, clock.monotonic())
        await server.interruptWorkOf(secret, signal)
      }
      this.#waiting.set(secret, (await server.workOf(secret, signal))?.waitingGens ?? 0)
    }
  }

  /** How many pictures the server still had for these sessions, and whatever else was sent with them, at the last look. */
  left(sessions: readonly OwnedSession[]): number {
    return [...this.#secretsOf(sessions)].reduce((sum, secret) => sum + (this.#waiting.get(secret) ?? 0), 0)
  }

  #secretsOf(sessions: readonly OwnedSession[]): ReadonlySet<string> {
    return new Set(sessions.flatMap((session) => credentialsOf(session, this.#credentials)).map(({secret}) => secret))
  }
}

/** What sessions were, or will be, sent under, by the token of the process. */
export async function credentialsFor(
  {runs}: Context['sessions'],
  sessions: readonly OwnedSession[],
): Promise<ReadonlyMap<string, Credential>> {
  const names = [...new Set(sessions.map(({run}) => run))]
  return new Map((await Promise.all(names.map((run) => runs.credentials(run)))).flatMap((found) => [...found]))
}

/** Of a run's credentials, those under which a session was, or will be, sent; all where its history does not say by whom. */
export function credentialsOf(
  {owner, submission}: OwnedSession,
  credentials: ReadonlyMap<string, Credential>,
): readonly Credential[] {
  if (submission && submission.by === undefined) return [...credentials.values()]
  return [...new Set([owner, submission?.by ?? owner])].flatMap((token) => credentials.get(token) ?? [])
}
