import type {Context} from '../context.ts'
import type {GeneratedImage} from '../server/image-server.ts'
import type {Credential} from '../store/session-store.ts'

/** One orphaned session, as the server can be asked after it. */
export interface Question {
  readonly session: string
  readonly item: string
  readonly seed?: number
  /** Milliseconds since the last line of its history; of another machine's history only a guess. */
  readonly silentMs: number
  /** The address it was sent to; one that is another than ours may be another server. */
  readonly sentTo?: string
}

/** A run, and what asks the server after its work where this machine has it. */
export interface AskedRun {
  readonly run: string
  readonly credential: Credential | undefined
}

export type ServerAnswer =
  | {readonly server: 'picture'; readonly image: GeneratedImage}
  | {readonly server: 'running' | 'gone' | 'unknown'; readonly sentTo?: string}

/** A request that left right before its process died may not be in the server's counters yet. */
const ON_ITS_WAY_MS = 10_000
const LOOK_AGAIN_MS = 1500
const ANSWER_WITHIN_MS = 10_000

/**
 * What the server says of the sessions of one run: finished, running, gone, or `unknown` where this identity may not see whose
 * work it does. The counters are read before the pictures are looked for: a picture can be fetched before they fall, so that
 * not finding it afterwards is conclusive (recordings 08, 19, 20). What was sent a moment ago is looked for twice.
 *
 * Throws `UnreachableError` and `DeniedError` as the server does.
 */
export async function askServer(
  context: Context,
  run: AskedRun,
  questions: readonly Question[],
): Promise<ReadonlyMap<string, ServerAnswer>> {
  const answers = await look(context, run, questions)
  const hasty = questions.filter(
    ({session, silentMs}) => answers.get(session)?.server === 'gone' && Math.abs(silentMs) < ON_ITS_WAY_MS,
  )
  if (hasty.length === 0) return answers
  await context.clock.sleep(LOOK_AGAIN_MS, context.signal)
  return new Map([...answers, ...(await look(context, run, hasty))])
}

async function look(
  context: Context,
  run: AskedRun,
  questions: readonly Question[],
): Promise<Map<string, ServerAnswer>> {
  const {server, signal} = context
  const work = await workOfRun(context, run)
  const found = await server.findPictures(run.run, questions, signal)
  return new Map(
    questions.map(({session, item, sentTo}): [string, ServerAnswer] => {
      const image = found.get(item)
      if (image) return [session, {server: 'picture', image}]
      // What another server has or works on, this one cannot know.
      const elsewhere = work !== 'running' && sentTo !== undefined && sentTo !== server.address
      return [session, elsewhere ? {server: 'unknown', sentTo} : {server: work}]
    }),
  )
}

/** Whether the server has work of a run: by its credential, where this machine has it, else by what all users' counters tell. */
async function workOfRun({server, signal}: Context, {credential}: AskedRun): Promise<'running' | 'gone' | 'unknown'> {
  if (credential?.server === server.address) {
    // A credential that the server has forgotten has no work: SwarmUI sessions outlive their work by far.
    return (await server.workOf(credential.secret, signal))?.waitingGens ? 'running' : 'gone'
  }
  const {activity, busyUsers} = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS, thorough: true})
  if (activity?.waitingGens === 0) return 'gone'
  if (!busyUsers) return 'unknown'
  const user = await server.userId(signal)
  return busyUsers.some((busy) => busy.user === user && busy.waitingGens > 0) ? 'unknown' : 'gone'
}
