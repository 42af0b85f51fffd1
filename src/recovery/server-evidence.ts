import {seedBesideKey} from '../asset/key.ts'
import type {Context} from '../context.ts'
import {redact} from '../secrets.ts'
import type {GeneratedImage} from '../server/image-server.ts'
import type {Credential, OwnedSession} from '../store/session-store.ts'
import {foreignLine} from '../text.ts'

/** One orphaned session, as the server can be asked after it. */
export interface Question {
  readonly session: string
  readonly item: string
  readonly key?: string
  readonly seed?: number
  /** Milliseconds since the last line of its history; of another machine's history only a guess. */
  readonly silentMs: number
  readonly longAgo?: boolean
  /** The address it was sent to, and the user it was sent as; other ones than ours may have what we cannot see. */
  readonly sentTo?: string
  readonly sentAs?: string
  /** What asks the server after the work of the process that sent it, where this machine has it. */
  readonly credential?: Credential
}

export type ServerAnswer =
  | {readonly server: 'picture'; readonly image: GeneratedImage}
  | {readonly server: 'running' | 'gone' | 'unknown'; readonly elsewhere?: string}

/** A request that left right before its process died may not be in the server's counters yet. */
const ON_ITS_WAY_MS = 10_000
const LOOK_AGAIN_MS = 1500
/** By then a picture that was finished is in the listing of its folder (reference 4.4: ten seconds). */
const LONG_AGO_MS = 300_000
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
  run: string,
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

async function look(context: Context, run: string, questions: readonly Question[]): Promise<Map<string, ServerAnswer>> {
  const {server, signal} = context
  const user = await server.userId(signal)
  const works = new Map<string | undefined, 'running' | 'gone' | 'unknown'>()
  for (const {credential} of questions) {
    if (!works.has(credential?.secret)) works.set(credential?.secret, await workUnder(context, credential))
  }
  const found = await server.findPictures(run, questions, signal)
  return new Map(
    questions.map((question): [string, ServerAnswer] => {
      const {session, item, credential} = question
      const image = found.get(item)
      if (image) return [session, {server: 'picture', image}]
      const work = works.get(credential?.secret) ?? 'unknown'
      const elsewhere = work === 'running' ? undefined : whereElse(question, server.address, user)
      return [session, elsewhere === undefined ? {server: work} : {server: 'unknown', elsewhere}]
    }),
  )
}

/** What another server has, or keeps for another user, this one cannot know. */
function whereElse({sentTo, sentAs}: Question, address: string, user: string): string | undefined {
  if (sentTo !== undefined && sentTo !== address)
    return `to ${foreignLine(redact(sentTo), 100)}; ask there with --server`
  if (sentAs !== undefined && sentAs !== user) return `as the user "${foreignLine(sentAs, 60)}"; ask as that user`
  return undefined
}

/** Whether the server has work of ours: under a credential, or without one by what all users' counters tell. */
async function workUnder(
  {server, signal}: Context,
  credential: Credential | undefined,
): Promise<'running' | 'gone' | 'unknown'> {
  if (credential?.server === server.address) {
    // A credential that the server has forgotten has no work: SwarmUI sessions outlive their work by far.
    return (await server.workOf(credential.secret, signal))?.waitingGens ? 'running' : 'gone'
  }
  const {activity, busyUsers} = await server.sample({signal, answerWithin: ANSWER_WITHIN_MS, thorough: true})
  if (activity?.waitingGens === 0) return 'gone'
  if (!busyUsers) return 'unknown'
  const user = foreignLine(await server.userId(signal), 60)
  return busyUsers.some((busy) => busy.user === user && busy.waitingGens > 0) ? 'unknown' : 'gone'
}

/** A session as the server can be asked after it. */
export async function questionOf(
  {sessions, clock}: Pick<Context, 'sessions' | 'clock'>,
  session: OwnedSession,
): Promise<Question> {
  const {id, asset, run, key, updatedAt, submission} = session
  const request = await sessions.request(id)
  const silentMs = clock.now() - Date.parse(updatedAt)
  const credentials = await sessions.runs.credentials(run).catch(() => undefined)
  const credential = submission?.by === undefined ? undefined : credentials?.get(submission.by)
  const seed = request && seedBesideKey(session.key, request)
  return {
    session: id,
    item: asset,
    silentMs,
    ...(key === undefined ? {} : {key}),
    ...(seed === undefined ? {} : {seed}),
    ...(request?.server ? {sentTo: request.server} : {}),
    ...(request?.user ? {sentAs: request.user} : {}),
    ...(credential ? {credential} : {}),
    ...(silentMs > LONG_AGO_MS ? {longAgo: true} : {}),
  }
}
