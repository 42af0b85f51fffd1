import type {Context} from '../context.ts'
import type {Attendance} from '../store/session-store.ts'
import type {Resumption} from './resume.ts'

/** What all pictures of one run share. */
export interface Making {
  /** Names the run, and says whether it is to stop. */
  readonly attendance: Attendance
  /** Who we are to the server. */
  readonly user: string
  /** How many pictures the run makes. */
  readonly total: number
  /** Ids of sessions that the run has already: it was interrupted, and is gone on with. */
  readonly sessionIds: ReadonlySet<string>
  /** Absolute; where histories measure paths from. */
  readonly workspace: string
  readonly outputDirectory: string
  readonly snapshots: boolean
  readonly retries: number
  /** Milliseconds before the first retry. */
  readonly retryDelayMs: number
  /** Whose place a path is: absolute and in lower case, as not every file system tells case apart. */
  readonly places: ReadonlyMap<string, string>
  /** What histories tell of pictures. */
  readonly recorded: Resumption['recorded']
  /** Replace files that are not known to be ours. */
  readonly overwrite: boolean
  /** Keeps what another process needs to stop this run's work, before there is any. */
  readonly keepCredential: (secret: string) => Promise<void>
  /** Stops this run's work on the server, once, however many pictures ask for it. */
  readonly interrupt: () => Promise<void>
}

const INTERRUPT_WITHIN_MS = 1500

/** What a run is begun with. Asks the server who we are; throws as it does. */
export async function beginMaking(
  context: Context,
  run: Omit<Making, 'user' | 'keepCredential' | 'interrupt'>,
): Promise<Making> {
  return {
    ...run,
    user: await context.server.userId(context.signal),
    keepCredential: credentialKeeper(context, run.attendance),
    interrupt: once(() => stopOnServer(context)),
  }
}

/** Cancels our work on the server, within what a runner grants a cancelled step. */
async function stopOnServer({server, report}: Context): Promise<void> {
  try {
    await server.interrupt(AbortSignal.timeout(INTERRUPT_WITHIN_MS))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    report({event: 'notice', message: `The server did not confirm that it stopped our work: ${reason}`})
  }
}

/** Keeps a credential once, however many pictures ask for it. A run can do without; only other processes cannot stop it. */
function credentialKeeper({server}: Context, attendance: Attendance): Making['keepCredential'] {
  let kept: {readonly secret: string; readonly done: Promise<void>} | undefined
  return (secret) => {
    if (kept?.secret !== secret) {
      const done = attendance.keepCredential({server: server.address, secret}).catch(() => {})
      kept = {secret, done}
    }
    return kept.done
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
