import {setTimeout as delay} from 'node:timers/promises'
import {metadataOf} from './metadata.ts'
import type {Fault} from './options.ts'
import type {Understood} from './parameters.ts'
import {formatOf, type PictureOrder} from './picture/render.ts'
import type {MockSession} from './users.ts'
import type {World} from './world.ts'

/** Where a request's frames go. A client that left takes none; the work goes on all the same (recordings 08, 09). */
export interface Sink {
  send(frame: object): void
  /** Breaks the connection under the client; over HTTP with a status, as a proxy does that waits no longer. */
  drop(status?: number): void
}

/** One generation request on its way. */
export interface GenerationRequest {
  readonly world: World
  readonly session: MockSession
  readonly sink: Sink
  readonly understood: Understood
  readonly images: number
  readonly batch: number
  readonly firstIndex: number
  readonly requestId: string
  readonly extra: Readonly<Record<string, unknown>>
  /** Named presets go into the metadata, also those that do not exist (recording 12). */
  readonly presets: {readonly presets_used?: unknown}
  readonly fault: Fault['do']
  readonly swallowErrors: boolean
  /** Aborted by InterruptAll, by a failing sibling, or by a restart. */
  readonly interruption: AbortController
  /** How many of its pictures the counters have let go of. */
  released: number
  /** All of its pictures were started. */
  dispatched: boolean
}

/** How picture `n` of a batch is ordered: seeds count up through batches and requests (reference 2.1). */
export function orderOf({understood, world}: GenerationRequest, index: number, n: number): PictureOrder {
  const seed = Number(understood['seed'] ?? -1)
  const first = seed < 0 ? 1 : seed
  const batch = Number(understood['batchsize'] ?? 1)
  return {
    prompt: String(understood['prompt'] ?? ''),
    seed: understood['noseedincrement'] === true ? first : first + index * batch + n,
    width: Number(understood['width'] ?? 512),
    height: Number(understood['height'] ?? 512),
    format: formatOf(String(understood['imageformat'] ?? world.settings.image_format)),
    plain: world.settings.pictures === 'plain',
  }
}

/** The metadata of a picture: of its preview, or with `done` of the finished one. */
export function requestMetadata(request: GenerationRequest, index: number, n: number, done: boolean): string {
  const {understood, images, extra, world, fault} = request
  const {steps, step_ms} = world.settings
  // As it is set up, not as it was measured: the same request always makes the same bytes.
  const generation = (Number(understood['steps'] ?? steps) * (fault.step_ms ?? step_ms)) / 1000
  return metadataOf({
    understood,
    images,
    seed: orderOf(request, index, n).seed,
    version: world.settings.version,
    date: new Date().toISOString().slice(0, 10),
    extra: {...extra, ...request.presets},
    ...(done ? {seconds: {prep: 0, generation}} : {}),
  })
}

/** Waits, or ends early when aborted; never throws. No time at all is no turn of the clock. Keeps no process alive. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(Math.min(ms, 2 ** 31 - 1), undefined, {signal, ref: false}).catch(() => {})
}
