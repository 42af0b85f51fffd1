import {AgError, DeniedError, type ExitCode, ExitCode as exit, UnreachableError} from '../../errors.ts'
import {foreignLine} from '../../text.ts'
import {serverText} from './faults.ts'

/** An HTTP answer, read. */
export interface RawAnswer {
  readonly status: number
  readonly contentType: string
  readonly location: string
  readonly bytes: Buffer
}

/** The server answered, and the answer is an error of its API. */
export class ApiError extends AgError {
  override readonly name = 'ApiError'
  override readonly exitCode: ExitCode
  /** SwarmUI's `error_id`; `""` where it gave only a text. */
  readonly errorId: string
  /** The server's own words. */
  readonly text: string

  constructor(route: string, errorId: string, text: string) {
    super(`SwarmUI refused ${route}: ${serverText(text || errorId)}`, {
      next: API_HINTS[errorId] ?? "The reason is in the server's log.",
    })
    this.errorId = errorId
    this.text = text
    this.exitCode = errorId === 'bad_permissions' ? exit.denied : exit.unreachable
  }
}

/** Something between us and the server answered in its place. What the server does meanwhile, it does not tell. */
export class ForeignAnswerError extends UnreachableError {
  override readonly name = 'ForeignAnswerError'
  /** Of HTTP. */
  readonly status: number

  constructor(message: string, status: number, options: {readonly next: string}) {
    super(message, options)
    this.status = status
  }
}

const API_HINTS: Readonly<Record<string, string>> = {
  bad_permissions: "Ask the server's owner for the permission, or use another user's --token.",
  bad_route: 'The server is too old for this, or it is not a SwarmUI.',
}

/** Where servers before 2025-12-25 redirect to instead of answering with an error in JSON (recordings of 0.9.7). */
const OLD_REDIRECTS: readonly (readonly [RegExp, string])[] = [
  [/\/Error\/Permissions$/i, 'bad_permissions'],
  [/\/Error\/(404|NoGetAPI)$/i, 'bad_route'],
  [/\/Error\/BasicAPI$/i, 'basic_api'],
  [/\/Error\/Internal$/i, 'internal_error'],
]

/**
 * The JSON of an API answer. Looks, in this order, at redirect, status, JSON, `error_id`, `error`: a login page and an
 * HTTP 200 with `{"error"}` must not pass for success (recordings 12, 13, 21, 23).
 *
 * Throws `ApiError` where the API itself refuses, `DeniedError` for authentication, `UnreachableError` for whatever is
 * not a SwarmUI's answer.
 */
export function readApiAnswer(route: string, answer: RawAnswer, server: string): unknown {
  refuseRedirect(route, answer, server)
  const refusal = apiErrorOf(answer)
  if (refusal) throw new ApiError(route, refusal.errorId, refusal.text)
  const json = parseJson(answer)
  if (json === undefined || answer.status >= 400) throw notSwarmUi(answer, server)
  return json
}

/** What an answer says is wrong, if it is an error of SwarmUI's API. One of the two may be `""`. */
export function apiErrorOf(answer: RawAnswer): {readonly errorId: string; readonly text: string} | undefined {
  if (PROXY_ALONE.includes(answer.status)) return undefined
  const {error_id: errorId, error} = (parseJson(answer) ?? {}) as {error_id?: unknown; error?: unknown}
  if (typeof errorId !== 'string' && typeof error !== 'string') return undefined
  // SwarmUI gives its own refusals of these an id, or no JSON at all (recordings 13 and 22): this is a proxy's.
  if (typeof errorId !== 'string' && NEEDS_CREDENTIALS.includes(answer.status)) return undefined
  return {errorId: typeof errorId === 'string' ? errorId : '', text: typeof error === 'string' ? error : ''}
}

/** What a proxy answers for a server that is away. */
const PROXY_ALONE: readonly number[] = [502, 503, 504]

const NEEDS_CREDENTIALS: readonly number[] = [401, 403, 407]

/** Throws unless the answer is something other than a redirect. */
export function refuseRedirect(route: string, answer: RawAnswer, server: string): void {
  if (answer.status < 300 || answer.status > 399) return
  const path = URL.parse(answer.location, server)?.pathname ?? ''
  const known = OLD_REDIRECTS.find(([pattern]) => pattern.test(path))
  if (known) throw new ApiError(route, known[1], '')
  throw new UnreachableError(`${server} redirects to ${foreignLine(answer.location, 120)} instead of answering.`, {
    next: 'If that is a login page, pass its credentials with --header or --authorization.',
  })
}

/** The error for an answer that is none of SwarmUI's API. */
export function notSwarmUi(answer: RawAnswer, server: string): AgError {
  if (NEEDS_CREDENTIALS.includes(answer.status)) {
    return new DeniedError(`${server} wants other credentials (HTTP ${answer.status}).`, {
      next: 'Pass --authorization (AG_AUTHORIZATION), --token (AG_TOKEN) or --header.',
    })
  }
  if (PROXY_ALONE.includes(answer.status)) {
    const message = `${server} answered ${answer.status}: a proxy is there, but not the SwarmUI behind it.`
    return new ForeignAnswerError(message, answer.status, {next: 'Start the server, or try again when it is up.'})
  }
  const message = `${server} answered with ${kindOf(answer)} (HTTP ${answer.status}): this is not a SwarmUI's API.`
  const next =
    answer.status >= 500
      ? 'Something failed there: see the log of the server, or of the proxy in front of it.'
      : 'Check the address. If it is a login page, pass its credentials with --header or --authorization.'
  return new ForeignAnswerError(message, answer.status, {next})
}

function kindOf(answer: RawAnswer): string {
  if (parseJson(answer)) return 'JSON of another kind'
  return /^\s*</.test(answer.bytes.subarray(0, 64).toString('latin1')) ? 'an HTML page' : 'no JSON'
}

/** The object an answer carries, if it is JSON and says so. */
export function parseJson(answer: RawAnswer): object | undefined {
  if (!/\bjson\b/i.test(answer.contentType)) return undefined
  try {
    const json: unknown = JSON.parse(answer.bytes.toString('utf8'))
    return typeof json === 'object' && json !== null ? json : undefined
  } catch {
    return undefined
  }
}
