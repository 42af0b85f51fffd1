import {type AgError, DeniedError, UnreachableError} from '../../errors.ts'
import {foreignLine} from '../../text.ts'
import {GenerationError} from '../image-server.ts'
import {apiErrorOf, notSwarmUi, type RawAnswer, refuseRedirect} from './answer.ts'
import {serverText} from './faults.ts'
import type {Transport} from './transport.ts'

/**
 * The bytes of a picture the server named: `View/...` or `Output/...` (not URL-encoded, recordings 02 and 25), or a `data:`
 * URL when the server keeps no files. Only ever asks this server; a reference that leads elsewhere is refused.
 *
 * Throws `GenerationError` when the picture is not there, the server cannot read it, or something withholds it; `DeniedError` when we
 * may not have it.
 */
export async function fetchPicture(
  transport: Transport,
  ref: string,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (ref.startsWith('data:')) return decodeDataUrl(ref, limit)
  const answer = await transport.get(encodeReference(ref), limit, {signal})
  return readPicture(ref, answer, transport.address.display)
}

/** The bytes that an answer brought. Throws as `fetchPicture` does. */
export function readPicture(ref: string, answer: RawAnswer, server: string): Uint8Array {
  refuseRedirect('the picture', answer, server)
  if (answer.status === 404) throw new PictureMissingError(ref)
  if (answer.status !== 200) throw notHandedOut(ref, answer, server)
  if (!/^(image|video|audio|application\/octet-stream)/.test(answer.contentType)) throw notSwarmUi(answer, server)
  return answer.bytes
}

/** SwarmUI's `error_id` for a picture of somebody else, and for somebody whom it does not know (recordings 21 and 23). */
const NOT_OURS: readonly unknown[] = ['unauthorized', 'invalid_user', 'bad_permissions']

/** For a picture that is there, and that it cannot read (reference 1.5). */
const UNREADABLE = 'file_error'

function notHandedOut(ref: string, answer: RawAnswer, server: string): AgError {
  const refusal = apiErrorOf(answer)
  if (!refusal) return notSwarmUi(answer, server)
  const message = `SwarmUI does not hand out ${foreignLine(ref)}: ${serverText(refusal.text || refusal.errorId)}`
  if (NOT_OURS.includes(refusal.errorId)) {
    return new DeniedError(message, {next: 'Use the --token or --user-id that the picture was made with.'})
  }
  const next = 'Try again later; the reason is in the log of the server, or of the proxy in front of it.'
  return new GenerationError(refusal.errorId === UNREADABLE ? 'broken' : 'withheld', message, {next})
}

/** Whether there is such a picture; asks for its first byte only (recording 25). Throws as `fetchPicture` does. */
export async function pictureExists(transport: Transport, ref: string, signal: AbortSignal): Promise<boolean> {
  const answer = await transport.get(encodeReference(ref), WHOLE_ALL_THE_SAME, {signal, headers: {range: 'bytes=0-0'}})
  refuseRedirect('the picture', answer, transport.address.display)
  if (answer.status === 404) return false
  if (answer.status === 200 || answer.status === 206) return true
  const error = notHandedOut(ref, answer, transport.address.display)
  if (!(error instanceof GenerationError)) throw error
  // What the server cannot read is there; of anything else it is not known.
  if (error.fault === 'broken') return true
  throw new UnreachableError(error.message, {next: error.next})
}

/** A proxy may send the whole file to who asks for a part of it. */
const WHOLE_ALL_THE_SAME = 2 ** 28

/** The server has no file of this name (yet). */
export class PictureMissingError extends GenerationError {
  constructor(ref: string) {
    super('missing', `SwarmUI has no picture ${foreignLine(ref)}.`)
  }
}

/** Each segment encoded by itself, as the server's own page does it. Throws `GenerationError` for a path that climbs. */
export function encodeReference(ref: string): string {
  const segments = ref.replace(/^\/+/, '').split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..') || /^[a-z]+:/i.test(ref)) {
    throw new GenerationError('failed', `SwarmUI named a picture by a path that is none: ${foreignLine(ref)}`)
  }
  return segments.map(encodeURIComponent).join('/')
}

function decodeDataUrl(url: string, limit: number): Uint8Array {
  const comma = url.indexOf(',')
  if (comma < 0 || !/;base64$/.test(url.slice(0, comma)) || (url.length - comma) * 0.75 > limit + 3) {
    throw new UnreachableError('The server sent a data: URL that is not a base64 picture within the size limit.')
  }
  return Buffer.from(url.slice(comma + 1), 'base64')
}
