import {foreignLine} from '../../text.ts'
import {type GeneratedImage, GenerationError, type ImageProgress} from '../image-server.ts'
import {generationFault} from './faults.ts'
import {type Frame, frame, type ImageMetadata, imageMetadata} from './wire.ts'

/** How a generation socket ended: `intended` after `socket_intention`, else with a close code. */
export type SocketEnd = 'intended' | number

/**
 * Follows the frames of one request for one picture and says in the end what became of it. Knows nothing of sockets, so
 * that recordings of real servers can be played through it.
 */
export class RunOutcome {
  readonly #steps: number | undefined
  readonly #errors: {text: string; id: string | undefined}[] = []
  #image: GeneratedImage | undefined
  #discarded = false
  #accounted = false
  #fraction = 0
  #step = 0
  #accepted = false

  /** `steps` is the number of sampler steps asked for, where the request says it. */
  constructor(steps?: number) {
    this.#steps = steps
  }

  /** The server has taken the request. */
  get accepted(): boolean {
    return this.#accepted
  }

  /** The server does not know the session any more: the request was not queued. */
  get sessionUnknown(): boolean {
    return this.#errors.some(({id}) => id === 'invalid_session_id')
  }

  get progress(): ImageProgress {
    return {fraction: this.#fraction, ...(this.#steps && this.#step ? {step: this.#step, steps: this.#steps} : {})}
  }

  /** Takes one frame; anything that is not a frame is passed over. Returns true when the run has ended. */
  observe(received: unknown): boolean {
    const {data} = frame.safeParse(received)
    if (!data) return false
    if (data.status?.waiting_gens) this.#accepted = true
    if (data.gen_progress && isOurs(data.gen_progress.batch_index)) this.#advance(data.gen_progress)
    if (data.image !== undefined && isOurs(data.batch_index)) this.#image = readImage(data.image, data.metadata)
    if (data.discard_indices) {
      this.#accounted = true
      this.#discarded = data.discard_indices.includes(0)
    }
    if (data.error !== undefined || data.error_id !== undefined) {
      this.#errors.push({text: data.error ?? data.error_id ?? '', id: data.error_id})
    }
    return data.socket_intention === 'close'
  }

  /** The picture, or a `GenerationError` that says why there is none. */
  conclude(end: SocketEnd): GeneratedImage {
    if (this.#image && !this.#discarded) return this.#image
    const error = this.#errors.find(({text}) => !/^Generation session interrupted/i.test(text)) ?? this.#errors[0]
    // An argument-level error, and an older server's normal end, come without `socket_intention` (recordings 12, 13).
    const orderly = end === 'intended' || (end === 1000 && (error !== undefined || this.#accounted))
    if (orderly && error) throw generationFault(error.text, error.id)
    if (orderly) {
      throw new GenerationError('empty', 'SwarmUI ended the run without a picture and without an error.', {
        next: "It was interrupted while it waited, or the backend refused silently: see the server's log.",
      })
    }
    if (end === 1011 && !this.#accepted) {
      throw new GenerationError(
        'rejected',
        'SwarmUI closed the connection because it could not read the request (1011).',
      )
    }
    throw new GenerationError('lost', `The connection broke during the generation (close code ${end}).`)
  }

  #advance(progress: NonNullable<Frame['gen_progress']>): void {
    const overall = toFraction(progress.overall_percent)
    // Two measures alternate on the wire and neither is monotonic (recording 02): only the maximum is fit to show.
    this.#fraction = Math.max(this.#fraction, overall)
    if (!this.#steps) return
    // Before the sampler starts, whole nodes count up with `current_percent` 0; after it, it falls back to 0.
    this.#step = Math.max(
      this.#step,
      Math.min(this.#steps, Math.round(toFraction(progress.current_percent) * this.#steps)),
    )
  }
}

/** Negative indices are grids and intermediates, higher ones extra outputs (reference section 2.4): not what was asked for. */
function isOurs(index: string | number | undefined): boolean {
  return Number(index ?? 0) === 0
}

function toFraction(value: string | number | undefined): number {
  const fraction = Number(value)
  return Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0
}

/** A picture as its metadata describes it. */
export function readImage(ref: string, metadata: string | null | undefined): GeneratedImage {
  const {seed, model} = readMetadata(metadata)?.sui_image_params ?? {}
  return {
    ref,
    ...(seed !== undefined && Number.isSafeInteger(seed) ? {seed} : {}),
    ...(model !== undefined ? {model: foreignLine(model, 300)} : {}),
  }
}

/** What the JSON in a string says, if it is SwarmUI's. */
export function readMetadata(metadata: string | null | undefined): ImageMetadata | undefined {
  try {
    return imageMetadata.parse(JSON.parse(metadata ?? ''))
  } catch {
    return undefined
  }
}
