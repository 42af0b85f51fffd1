import type {RecordedEvent, Recording} from './recordings.ts'
import {socketOf} from './recordings.ts'
import type {Replayed, ReplayedAnswer, ReplayedSocket} from './replay.ts'

/** Texts that are compared to the letter; of other values only the type is. */
const EXACT = new Set([
  'error',
  'error_id',
  'success',
  'result',
  'user_id',
  'output_append_user',
  'batch_index',
  'class',
  'message',
  'any_loading',
  'socket_intention',
  'keep_alive',
])

/** Everything in which the mock's answers differ from a recording; empty when it speaks like the real server. */
export function differences(recording: Recording, replayed: Replayed, loose: readonly string[] = []): string[] {
  const moving = pollsInMotion(recording)
  const answers = recording.events
    .filter(({kind}) => kind === 'http')
    .flatMap((event, at) => {
      const answer = replayed.answers[at]
      if (moving.has(event)) return []
      return answer ? compareAnswer(event, answer) : [`${event.request?.path}: was not sent`]
    })
  const conns = new Set(recording.events.filter(({kind}) => kind === 'ws').map(({conn}) => conn ?? ''))
  const sockets = [...conns].flatMap((conn) => compareSocket(recording, conn, replayed.sockets.get(conn)))
  return [...answers, ...sockets].filter((difference) => !loose.some((pattern) => difference.includes(pattern)))
}

/** Polls of counters beside which the counters became 0, or ceased to be: a few milliseconds decide what they see. */
function pollsInMotion({events}: Recording): ReadonlySet<RecordedEvent> {
  const polls = events.filter(({response}) => isBusy(response?.json) !== undefined)
  const moving = new Set<RecordedEvent>()
  for (const [at, poll] of polls.entries()) {
    const next = polls.slice(at + 1).find(({request}) => sameAsker(request, poll.request))
    if (!next || isBusy(next.response?.json) === isBusy(poll.response?.json)) continue
    moving.add(poll)
    moving.add(next)
  }
  return moving
}

function sameAsker(a: RecordedEvent['request'], b: RecordedEvent['request']): boolean {
  const session = (request: RecordedEvent['request']) =>
    (request?.json as {session_id?: string} | undefined)?.session_id
  return a?.path === b?.path && session(a) === session(b)
}

function isBusy(json: unknown): boolean | undefined {
  const {status, users} = (json ?? {}) as {status?: {waiting_gens?: number}; users?: {waiting_gens?: number}[]}
  const waiting = status?.waiting_gens ?? users?.[0]?.waiting_gens
  return waiting === undefined ? undefined : waiting > 0
}

function compareAnswer(event: RecordedEvent, answer: ReplayedAnswer): string[] {
  const where = `${event.t_ms} ${event.request?.method} ${event.request?.path}`
  if (event.error !== undefined) {
    const refused = event.error === 'client aborted' ? 'client aborted' : 'ECONN'
    return answer.error?.startsWith(refused)
      ? []
      : [`${where}: expected ${event.error}, got ${answer.error ?? answer.status}`]
  }
  const {status, headers, json} = event.response ?? {status: 0, headers: {}}
  const told: string[] = []
  if (answer.error !== undefined) return [`${where}: ${answer.error}`]
  if (answer.status !== status) told.push(`${where}: status ${answer.status}, recorded ${status}`)
  const type = headers['content-type']?.split(';')[0] ?? ''
  if (answer.contentType !== type) told.push(`${where}: content-type "${answer.contentType}", recorded "${type}"`)
  if (answer.location !== (headers['location'] ?? ''))
    told.push(`${where}: location ${answer.location}, recorded ${headers['location']}`)
  if (json !== undefined && !headers['content-encoding']) told.push(...compareShape(where, json, answer.json))
  return told
}

/** Compares keys and types at every depth, and some values to the letter. Where the recording was cut, nothing is. */
function compareShape(where: string, recorded: unknown, actual: unknown, key = ''): string[] {
  if (typeof recorded === 'string' && /^<|<\d+ (bytes|entries|keys)/.test(recorded)) return []
  if (key === 'metadata') return compareMetadata(where, recorded, actual)
  if (Array.isArray(recorded)) {
    if (!Array.isArray(actual)) return [`${where} ${key}: no list`]
    if (COUNTED.has(key) && recorded.length !== actual.length)
      return [`${where} ${key}: ${actual.length} entries, recorded ${recorded.length}`]
    const [first] = recorded
    // Some recordings keep only the names of listed files.
    const [mine] =
      typeof first === 'string' && key === 'files' ? actual.map((file) => (file as {src: string}).src) : actual
    return first === undefined || actual.length === 0 ? [] : compareShape(where, first, mine, `${key}[0]`)
  }
  if (typeof recorded === 'object' && recorded !== null) {
    if (typeof actual !== 'object' || actual === null)
      return [`${where} ${key}: no object, recorded ${JSON.stringify(recorded).slice(0, 100)}`]
    const [theirs, ours] = [Object.keys(recorded), Object.keys(actual)]
    const missing = theirs.filter((name) => !ours.includes(name))
    const extra = ours.filter((name) => !theirs.includes(name))
    if (missing.length + extra.length > 0) return [`${where} ${key}: lacks [${missing}], adds [${extra}]`]
    return theirs.flatMap((name) =>
      compareShape(where, (recorded as Record<string, unknown>)[name], (actual as Record<string, unknown>)[name], name),
    )
  }
  // What a poll in motion sees is timing; whether there is anything to do at all, is not.
  if (COUNTERS.has(key))
    return (recorded === 0) === (actual === 0) ? [] : [`${where} ${key}: ${actual}, recorded ${recorded}`]
  if (EXACT.has(key))
    return withoutServerText(recorded) === withoutServerText(actual)
      ? []
      : [`${where} ${key}: ${JSON.stringify(actual)}, recorded ${JSON.stringify(recorded)}`]
  const [theirs, ours] = [recorded === null ? 'null' : typeof recorded, actual === null ? 'null' : typeof actual]
  return theirs === ours ? [] : [`${where} ${key}: ${ours}, recorded ${theirs}`]
}

const COUNTED = new Set(['images', 'discard_indices'])
const COUNTERS = new Set(['waiting_gens'])

/** A failed model load carries a .NET stack trace; its first line is what counts. */
function withoutServerText(value: unknown): unknown {
  return typeof value === 'string' ? value.split('\n')[0] : value
}

function compareMetadata(where: string, recorded: unknown, actual: unknown): string[] {
  if (typeof recorded !== 'string' || !recorded.endsWith('}')) return []
  const shape = (text: string): object => JSON.parse(text)
  return compareShape(where, shape(recorded), shape(String(actual)), 'metadata in JSON')
}

function compareSocket(recording: Recording, conn: string, actual: ReplayedSocket | undefined): string[] {
  const where = `socket ${conn}`
  const refused = recording.events.find((event) => event.conn === conn && event.event === 'upgrade-refused')
  if (refused)
    return actual?.refusedWith === refused.status
      ? []
      : [`${where}: upgrade refused with ${actual?.refusedWith}, recorded ${refused.status}`]
  if (!actual) return [`${where}: was not opened`]
  const {frames, code} = socketOf(recording, conn)
  const real = frames.filter((frame) => frame !== undefined)
  const told: string[] = []
  const same = (what: string, recordedValue: unknown, actualValue: unknown): void => {
    if (JSON.stringify(recordedValue) !== JSON.stringify(actualValue))
      told.push(`${where} ${what}: ${JSON.stringify(actualValue)}, recorded ${JSON.stringify(recordedValue)}`)
  }
  if (code === undefined) {
    // The recording ends before the socket does.
    same('order of frames', order(real), order(actual.frames).slice(0, order(real).length))
    return told
  }
  same('close code', code, actual.code)
  same('order of frames', order(real), order(actual.frames))
  same('keep_alives', count(real, 'keep_alive'), count(actual.frames, 'keep_alive'))
  same('waiting_gens', waiting(real), waiting(actual.frames))
  same('most live_gens', mostLive(real), mostLive(actual.frames))
  same('tells progress', count(real, 'gen_progress') > 0, count(actual.frames, 'gen_progress') > 0)
  for (const has of FORMS) {
    const [theirs, ours] = [real, actual.frames].map((list) => list.find((frame) => has(frame as FrameLike)))
    if (theirs && ours) told.push(...compareShape(where, theirs, ours))
  }
  return told
}

type FrameLike = Readonly<Record<string, unknown>> & {
  readonly gen_progress?: Readonly<Record<string, unknown>>
  readonly status?: {readonly waiting_gens: number; readonly live_gens: number}
}

/** The kinds of frames in order; progress and keep_alive fall between the others by timing and are counted instead. */
function order(frames: readonly unknown[]): string[] {
  const kinds = (frames as readonly FrameLike[]).flatMap((frame) => {
    if ('status' in frame) return ['status']
    if ('image' in frame) return [`image ${frame['batch_index']}`]
    if ('error' in frame || 'error_id' in frame)
      return [`error ${withoutServerText(frame['error'])} ${frame['error_id'] ?? ''}`]
    if ('discard_indices' in frame) return [`discard ${JSON.stringify(frame['discard_indices'])}`]
    return 'socket_intention' in frame ? ['close intended'] : []
  })
  return kinds.filter((kind, at) => kind !== kinds[at - 1])
}

/** Kinds of frames of which the first of each side is compared. */
const FORMS: readonly ((frame: FrameLike) => boolean)[] = [
  ({status}) => status !== undefined,
  ({image}) => image !== undefined,
  ({gen_progress}) => gen_progress?.['metadata'] !== undefined,
  ({gen_progress}) => gen_progress?.['preview'] !== undefined,
  ({gen_progress}) => gen_progress !== undefined && !('metadata' in gen_progress) && !('preview' in gen_progress),
]

function count(frames: readonly unknown[], key: string): number {
  return frames.filter((frame) => key in (frame as object)).length
}

function waiting(frames: readonly unknown[]): number[] {
  const values = (frames as readonly FrameLike[]).flatMap(({status}) => (status ? [status.waiting_gens] : []))
  return values.filter((value, at) => value !== values[at - 1])
}

function mostLive(frames: readonly unknown[]): number {
  return Math.max(0, ...(frames as readonly FrameLike[]).map(({status}) => status?.live_gens ?? 0))
}
