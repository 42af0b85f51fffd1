import {request} from 'node:http'
import {setTimeout as delay} from 'node:timers/promises'
import WebSocket from 'ws'
import type {RecordedEvent, Recording} from './recordings.ts'

/** What the mock answered to one recorded HTTP request. */
export interface ReplayedAnswer {
  readonly recorded: RecordedEvent
  readonly status: number
  readonly contentType: string
  readonly location: string
  readonly json: unknown
  readonly error: string | undefined
}

/** What one socket received from the mock. */
export interface ReplayedSocket {
  readonly frames: unknown[]
  code: number | undefined
  refusedWith: number | undefined
}

export interface Replayed {
  readonly answers: readonly ReplayedAnswer[]
  readonly sockets: ReadonlyMap<string, ReplayedSocket>
}

export interface ReplayOptions {
  readonly url: string
  /** How much of the recording's time a moment of it takes: 0.2 is five times as fast. */
  readonly scale: number
  /** What happened outside of the wire, by the recording's notes. */
  readonly onNote: (text: string) => void
  /** What happens at a time of the recording without a note, in recorded milliseconds. */
  readonly timeline?: readonly (readonly [at: number, act: () => void])[]
  readonly socketHeaders?: Readonly<Record<string, Record<string, string>>>
}

const PATIENCE_MS = 3000

/**
 * Sends what a recorded client sent, in its order and (scaled) time, waits for what it had seen before each step, and
 * collects what comes back. Session ids and picture paths of the recorded server are translated to the mock's.
 */
export async function replay(recording: Recording, options: ReplayOptions): Promise<Replayed> {
  const {url, scale} = options
  const answers: Promise<ReplayedAnswer>[] = []
  const sockets = new Map<string, ReplayedSocket & {readonly socket: WebSocket}>()
  const names = new Map<string, string>()
  const seen = new Map<string, number>()
  const received = new Map<string, unknown[]>()
  const deaf = new Set<string>()
  const started = performance.now()
  const timers = (options.timeline ?? []).map(([at, act]) => setTimeout(act, at * scale))

  const translate = (value: unknown): unknown => {
    let text = JSON.stringify(value)
    for (const [from, to] of names) text = text.replaceAll(from, to)
    return JSON.parse(text)
  }
  const until = async (at: number): Promise<void> => {
    const wait = at * scale - (performance.now() - started)
    if (wait > 0) await delay(wait)
    for (const [conn, count] of seen) {
      if (deaf.has(conn)) continue
      const socket = sockets.get(conn)
      for (
        let waited = 0;
        socket && milestones(socket.frames, socket.code) < count && waited < PATIENCE_MS;
        waited += 2
      ) {
        await delay(2)
      }
      // What did not come by now shows in the comparison; nothing waits for it again.
      if (socket && milestones(socket.frames, socket.code) < count) deaf.add(conn)
    }
  }

  for (const [at, event] of recording.events.entries()) {
    if (event.kind === 'note') {
      await until(event.t_ms)
      options.onNote(String(event.text))
      if (String(event.text) === 'client sent close 1000') sockets.get('a')?.socket.close(1000)
    } else if (event.kind === 'http') {
      await until(event.t_ms)
      const answer = send(url, event, translate, pathOf(event, names, recording, sockets))
      answers.push(answer)
      const next = recording.events[at + 1]
      if (!next || (event.t_end_ms ?? 0) <= next.t_ms + 0.05) learn(names, event, await answer)
      else void answer.then((known) => learn(names, event, known))
    } else if (event.event === 'open' || event.event === 'upgrade-refused') {
      await until(event.t_ms)
      const headers = options.socketHeaders?.[event.conn ?? ''] ?? {}
      sockets.set(
        event.conn ?? '',
        await open(url.replace('http', 'ws') + (event.url ?? '/API/GenerateText2ImageWS'), headers),
      )
    } else if (event.event === 'client-terminates') {
      await until(event.t_ms)
      sockets.get(event.conn ?? '')?.socket.terminate()
    } else if (event.dir === 'out') {
      await until(event.t_ms)
      const {text} = event
      sockets.get(event.conn ?? '')?.socket.send(typeof text === 'string' ? text : JSON.stringify(translate(text)))
    } else {
      const conn = event.conn ?? ''
      received.set(conn, [...(received.get(conn) ?? []), ...(event.text === undefined ? [] : [event.text])])
      seen.set(conn, milestones(received.get(conn) ?? [], event.event === 'closed' ? event.code : undefined))
    }
  }
  await until(recording.events.at(-1)?.t_ms ?? 0)
  for (const timer of timers) clearTimeout(timer)
  return {answers: await Promise.all(answers), sockets}
}

/** Frames that a recorded client may have waited for. Of status and progress only the first: how many come is timing. */
function isMilestone(frame: unknown): boolean {
  const {image, error, error_id, socket_intention, discard_indices} = (frame ?? {}) as Record<string, unknown>
  return [image, error ?? error_id, socket_intention, discard_indices].some((part) => part !== undefined)
}

function milestones(frames: readonly unknown[], code: number | undefined): number {
  const first = (key: string): number => (frames.some((frame) => key in (frame as object)) ? 1 : 0)
  return frames.filter(isMilestone).length + first('status') + first('gen_progress') + (code === undefined ? 0 : 1)
}

async function open(
  url: string,
  headers: Record<string, string>,
): Promise<ReplayedSocket & {readonly socket: WebSocket}> {
  const socket = new WebSocket(url, {headers, perMessageDeflate: false})
  const state: ReplayedSocket & {socket: WebSocket} = {socket, frames: [], code: undefined, refusedWith: undefined}
  socket.on('message', (bytes) => state.frames.push(JSON.parse(String(bytes))))
  socket.on('close', (code) => {
    state.code = code
  })
  await new Promise<void>((resolve) => {
    socket.on('open', resolve)
    socket.on('error', () => resolve())
    socket.on('unexpected-response', (_request, response) => {
      state.refusedWith = response.statusCode
      socket.terminate()
      resolve()
    })
  })
  return state
}

function send(
  url: string,
  {request: recorded, t_ms, t_end_ms, error}: RecordedEvent,
  translate: (value: unknown) => unknown,
  path: string,
): Promise<ReplayedAnswer> {
  const {method = 'GET', headers = {}, json, body, chunked} = recorded ?? {}
  const text = json === undefined ? body : JSON.stringify(translate(json))
  const length = text === undefined || chunked ? {} : {'content-length': Buffer.byteLength(text)}
  const type = json === undefined ? {} : {'content-type': 'application/json'}
  return new Promise((resolve) => {
    const answer = (part: Partial<ReplayedAnswer>): void =>
      resolve({
        recorded: {t_ms, kind: 'http', ...(recorded ? {request: recorded} : {})},
        status: 0,
        contentType: '',
        location: '',
        json: undefined,
        error: undefined,
        ...part,
      })
    const outgoing = request(
      url,
      {method, path, headers: {...type, ...length, ...(translate(headers) as object)}, agent: false},
      async (incoming) => {
        const chunks: Buffer[] = []
        for await (const chunk of incoming) chunks.push(chunk)
        const contentType = incoming.headers['content-type']?.split(';')[0] ?? ''
        answer({
          status: incoming.statusCode ?? 0,
          contentType,
          location: incoming.headers.location ?? '',
          json: contentType === 'application/json' ? JSON.parse(Buffer.concat(chunks).toString()) : undefined,
        })
      },
    )
    if (chunked) outgoing.setHeader('transfer-encoding', 'chunked')
    outgoing.on('error', (failure: NodeJS.ErrnoException) => answer({error: failure.code ?? failure.message}))
    if (error === 'client aborted')
      setTimeout(
        () => outgoing.destroy(Object.assign(new Error('left'), {code: 'client aborted'})),
        ((t_end_ms ?? 0) - t_ms) / 5,
      )
    outgoing.end(text)
  })
}

/** Learns the mock's names for what the recorded server named: sessions, tokens and pictures. */
function learn(names: Map<string, string>, {response}: RecordedEvent, {json}: ReplayedAnswer): void {
  const [before, now] = [response?.json, json] as {session_id?: string; images?: string[]}[]
  if (before?.session_id && now?.session_id) names.set(before.session_id, now.session_id)
  for (const [at, image] of (before?.images ?? []).entries()) {
    const mine = now?.images?.[at]
    if (mine !== undefined && image.startsWith('View/')) names.set(image, mine)
  }
}

/** The path of a request; a picture's is that of the same picture of the mock. */
function pathOf(
  {request: recorded}: RecordedEvent,
  names: Map<string, string>,
  recording: Recording,
  sockets: ReadonlyMap<string, ReplayedSocket>,
): string {
  for (const [conn, {frames}] of sockets) {
    const recordedImages = imagesOf(
      recording.events.filter((event) => event.conn === conn && event.dir === 'in').map(({text}) => text),
    )
    for (const [at, image] of imagesOf(frames).entries()) {
      const before = recordedImages[at]
      if (before !== undefined) names.set(before, image)
    }
  }
  const {path = '/'} = recorded ?? {}
  const mine = names.get(safeDecode(path.slice(1)))
  return mine === undefined ? path : `/${mine.split('/').map(encodeURIComponent).join('/')}`
}

function imagesOf(frames: readonly unknown[]): string[] {
  return frames.map((frame) => (frame as {image?: string}).image).filter((image) => image !== undefined)
}

function safeDecode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
