import type {Context} from '../context.ts'
import {sha256} from '../fetch-picture.ts'
import {readSmall} from '../read-small.ts'
import type {Resumption} from './resume.ts'

/** What all pictures of one run share. */
export interface Making {
  readonly run: string
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
  /** Keeps what another process needs to stop this run's work, before there is any. */
  readonly keepCredential: (secret: string) => Promise<void>
  /** Keeps what somebody made of an asset's picture, before another takes its place. */
  readonly makeRoom: (asset: string, path: string) => Promise<void>
  /** Stops this run's work on the server, once, however many pictures ask for it. */
  readonly interrupt: () => Promise<void>
}

const INTERRUPT_WITHIN_MS = 1500

/** What a run is begun with. Asks the server who we are; throws as it does. */
export async function beginMaking(
  context: Context,
  {recorded, ...run}: Omit<Making, 'user' | 'keepCredential' | 'makeRoom' | 'interrupt'> & Pick<Resumption, 'recorded'>,
): Promise<Making> {
  return {
    ...run,
    makeRoom: async (asset, path) => {
      // Where no history tells of the asset, its file may be anything; it was checked before the run began.
      if (recorded.assets.has(asset)) await keepEdited(context, asset, path, recorded.digests)
    },
    user: await context.server.userId(context.signal),
    keepCredential: credentialKeeper(context, run.run),
    interrupt: once(() => stopOnServer(context)),
  }
}

async function keepEdited(
  {sessions, report}: Context,
  asset: string,
  path: string,
  recorded: ReadonlySet<string>,
): Promise<void> {
  const bytes = await readSmall(path)
  if (bytes === undefined || recorded.has(sha256(bytes))) return
  const {place} = await sessions.upkeep.setAside({copyOf: path})
  const message = `The picture of ${asset} had been changed since it was made: what it was is kept as ${place}.`
  report({event: 'notice', message})
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
function credentialKeeper({server, sessions}: Context, run: string): Making['keepCredential'] {
  let kept: {readonly secret: string; readonly done: Promise<void>} | undefined
  return (secret) => {
    if (kept?.secret !== secret) {
      const done = sessions.runs.keepCredential(run, {server: server.address, secret}).catch(() => {})
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
