import {buildConnector, type Dispatcher, Pool} from 'undici'
import * as z from 'zod/mini'
import {systemCode, UnreachableError} from '../../errors.ts'
import {redact} from '../../secrets.ts'
import type {Contact} from '../image-server.ts'
import {guardedLookup, type ServerAddress} from './address.ts'
import {type RawAnswer, readApiAnswer} from './answer.ts'

interface RequestOptions {
  readonly signal: AbortSignal
  /** Milliseconds to the first byte of the answer; 0 waits for ever. Default 60 s. */
  readonly answerWithin?: number
}

const API_ANSWER_LIMIT = 64 * 2 ** 20

/**
 * HTTP to one SwarmUI: bodies with Content-Length, redirects not followed, only ever to this origin. Connections are
 * kept and shared; `close` ends them.
 */
export class Transport {
  readonly address: ServerAddress
  readonly headers: Readonly<Record<string, string>>
  readonly #pool: Pool
  #contact: Contact = {}

  constructor(address: ServerAddress, headers: Readonly<Record<string, string>>) {
    this.address = address
    this.headers = headers
    const connect = buildConnector({timeout: 10_000, lookup: guardedLookup} as buildConnector.BuildOptions)
    this.#pool = new Pool(address.base.origin, {
      connections: 64,
      connect: (options, callback) =>
        connect(options, (...[error, socket]) => {
          if (error) return callback(error, null)
          if (socket.remoteAddress) this.#contact = {...this.#contact, address: socket.remoteAddress}
          callback(null, socket)
        }),
    })
  }

  /** What the last answer showed of the connection. */
  get contact(): Contact {
    return this.#contact
  }

  /**
   * Calls an API route and checks the shape of what it answers. Throws as `readApiAnswer` does, `UnreachableError` for the
   * network and for an answer of another shape, or the signal's reason.
   */
  async post<Shape extends z.core.$ZodType>(
    route: string,
    shape: Shape,
    body: object,
    {signal, answerWithin = 60_000}: RequestOptions,
  ): Promise<z.output<Shape>> {
    const answer = await this.#request(
      {
        method: 'POST',
        path: `${this.address.base.pathname}API/${route}`,
        headers: {...this.headers, 'content-type': 'application/json'},
        body: JSON.stringify(body),
        headersTimeout: answerWithin,
        bodyTimeout: answerWithin,
      },
      API_ANSWER_LIMIT,
      signal,
    )
    const read = z.safeParse(shape, readApiAnswer(route, answer, this.address.display))
    if (read.success) return read.data
    const [issue] = read.error.issues
    throw new UnreachableError(
      `${this.address.display} answered ${route} as no SwarmUI does: ${issue?.path.join('.') || 'the answer'} is not what it should be.`,
      {next: 'Check the address, and whether something in between changes answers.', cause: read.error},
    )
  }

  /** Fetches a file below the server's address; the path is already encoded. */
  get(
    path: string,
    limit: number,
    {signal, headers, answerWithin}: RequestOptions & {readonly headers?: Readonly<Record<string, string>>},
  ): Promise<RawAnswer> {
    return this.#request(
      {
        method: 'GET',
        path: this.address.base.pathname + path,
        headers: {...this.headers, ...headers},
        ...(answerWithin === undefined ? {} : {headersTimeout: answerWithin, bodyTimeout: answerWithin}),
      },
      limit,
      signal,
    )
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #request(options: Dispatcher.RequestOptions, limit: number, signal: AbortSignal): Promise<RawAnswer> {
    signal.throwIfAborted()
    try {
      const {statusCode, headers, body} = await this.#pool.request({...options, signal})
      this.#noteClock(one(headers['date']))
      return {
        status: statusCode,
        contentType: one(headers['content-type']),
        location: one(headers['location']),
        bytes: await readBody(body, Number(one(headers['content-length'])), limit),
      }
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof UnreachableError ? error : this.unreachable(error)
    }
  }

  #noteClock(stamp: string): void {
    const clockSkewMs = Date.parse(stamp) - Date.now()
    if (Number.isFinite(clockSkewMs)) this.#contact = {...this.#contact, clockSkewMs}
  }

  /** The error for a connection that could not be made or broke. */
  unreachable(error: unknown): UnreachableError {
    const code = systemCode(error)
    const reason = (code && REASONS[code]) ?? (code || redact(error instanceof Error ? error.message : String(error)))
    return new UnreachableError(`Cannot reach SwarmUI at ${this.address.display}: ${reason}.`, {
      next: 'Start the server, or name another with --server (AG_SERVER); "mock" needs none.',
      cause: error,
    })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused (nothing listens there)',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'its answer stopped half way',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak https there (http:// may be right)',
  EADDRREFUSED: 'the name resolves to a link-local or metadata address',
}

function one(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

async function readBody(body: Dispatcher.ResponseData['body'], length: number, limit: number): Promise<Buffer> {
  if (length > limit) {
    body.on('error', () => {}).destroy()
    throw tooLarge(limit)
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) throw tooLarge(limit)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)
}

function tooLarge(limit: number): UnreachableError {
  return new UnreachableError(`The server's answer is larger than ${Math.round(limit / 2 ** 20)} MiB.`, {
    next: 'Check the address: this is not what a SwarmUI sends.',
  })
}
