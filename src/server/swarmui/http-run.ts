import {systemCode} from '../../errors.ts'
import {type GenerateHooks, GenerationError} from '../image-server.ts'
import {ApiError, ForeignAnswerError} from './answer.ts'
import {generationFault} from './faults.ts'
import type {Transport} from './transport.ts'
import {generated} from './wire.ts'

/**
 * One generation over plain HTTP: no progress, and one answer when all is done, however long that takes (recording 04).
 * Nothing tells when the server takes the request, so it counts as taken when it is sent. Returns where its pictures are: with
 * what was asked for may come further outputs and steps on the way, and nothing tells them apart.
 *
 * Throws `ApiError` for a session the server does not know, else `GenerationError`.
 */
export async function runOverHttp(
  transport: Transport,
  message: object,
  {signal, onAccepted}: GenerateHooks,
  handle: string,
): Promise<readonly string[]> {
  onAccepted?.(handle)
  try {
    const {images} = await transport.post('GenerateText2Image', generated, message, {signal, answerWithin: 0})
    if (images.length > 0) return images
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ApiError && error.errorId !== 'invalid_session_id')
      throw generationFault(error.text || error.errorId, error.errorId)
    if (!mayBeAtWork(error)) throw error
    throw new GenerationError('lost', 'The connection broke during the generation.', {cause: error})
  }
  // Interrupted while it was queued: HTTP 200 and no picture (recording 07).
  throw new GenerationError('empty', 'SwarmUI ended the run without a picture and without an error.', {
    next: "It was interrupted while it waited, or the backend refused silently: see the server's log.",
  })
}

/** Whether the server may have the request, and go on with it (recordings 08, 09): a connection broke, or a proxy did not wait so long. */
function mayBeAtWork(error: unknown): boolean {
  if (error instanceof ForeignAnswerError)
    return GAVE_UP.has(error.status) || (error.status > 503 && error.status < 600)
  return BROKE.has(systemCode((error as Error).cause) ?? '')
}

/** What a proxy answers that had passed the request on, besides 504 and what some of them have above it; 503 is instead of doing so. */
const GAVE_UP = new Set([408, 499, 500, 502])

/** How a connection ends that was there. */
const BROKE = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'UND_ERR_BODY_TIMEOUT'])
