import * as z from 'zod/mini'
import type {ActivityCounters} from '../image-server.ts'

/*
 * What SwarmUI says on the wire, as far as ag reads it (recordings 01 to 05). Keys that are not named here are let
 * through: a newer server may add some.
 */

const text = z.string()
const count = z.number().check(z.int(), z.nonnegative())

export const newSession = z.object({
  session_id: z.string().check(z.minLength(1)),
  user_id: text,
  output_append_user: z._default(z.boolean(), true),
  version: z._default(text, ''),
  server_id: z._default(text, ''),
  /** Absent on servers before 2024-10-23. */
  permissions: z._default(z.array(text), []),
})
export type NewSession = z.infer<typeof newSession>

export const counters = z.object({
  waiting_gens: count,
  loading_models: count,
  waiting_backends: count,
  live_gens: count,
})

export const statusBody = z.object({
  status: counters,
  backend_status: z.object({
    status: text,
    message: z.optional(z.nullable(text)),
    any_loading: z._default(z.boolean(), false),
  }),
})
export type StatusBody = z.infer<typeof statusBody>

const backend = z.object({
  type: text,
  status: text,
  enabled: z._default(z.boolean(), true),
  title: z.optional(z.nullable(text)),
  current_model: z.optional(z.nullable(text)),
  can_load_models: z.optional(z.boolean()),
})
/** The answer's root is the map of backends; `{}` when there are none. */
export const backendMap = z.record(text, z.unknown())
export const backendEntry = backend

/** Who is on the server; the counters came later than the route (2025-10-16). */
export const connectedUsers = z.object({
  users: z.array(z.object({id: text, waiting_gens: z.optional(count)})),
})

/** ComfyUI's own queue, handed through (recording 35). */
export const comfyQueue = z.object({
  queue_running: z.array(z.unknown()),
  queue_pending: z.array(z.unknown()),
})

export const modelList = z.object({
  files: z.array(
    z.object({
      name: text,
      title: z.optional(z.nullable(text)),
      loaded: z._default(z.boolean(), false),
      hash: z.optional(z.nullable(text)),
    }),
  ),
})

/** Of ListT2IParams, the parameters' names and choices and the models of each kind. */
export const parameterList = z.object({
  list: z.array(z.object({id: text, name: text, type: text, values: z.optional(z.nullable(z.array(text)))})),
  /** By kind; a name alone before 0.9.8, with its class since then (recordings 01). */
  models: z._default(z.record(text, z.array(z.union([text, z.tuple([text], z.unknown())]))), {}),
})
export type ParameterList = z.infer<typeof parameterList>

export const generated = z.object({images: z.array(text)})

export const interrupted = z.object({success: z.literal(true)})

const indexLike = z.union([z.number(), text])

/** One frame of a generation socket; which one it is shows in its keys (recordings 02, 06, 14, 24). */
export const frame = z.object({
  status: z.optional(counters),
  gen_progress: z.optional(
    z.object({
      batch_index: z.optional(indexLike),
      /** Fractions that may arrive as numbers or as `"NaN"`. */
      overall_percent: z.optional(indexLike),
      current_percent: z.optional(indexLike),
    }),
  ),
  image: z.optional(text),
  batch_index: z.optional(indexLike),
  metadata: z.optional(z.nullable(text)),
  discard_indices: z.optional(z.array(z.number())),
  keep_alive: z.optional(z.unknown()),
  socket_intention: z.optional(text),
  error: z.optional(text),
  error_id: z.optional(text),
})
export type Frame = z.infer<typeof frame>

/** ListImages: the files below a folder; `metadata` is null where the user keeps none (reference 4.5). */
export const imageList = z.object({
  files: z.array(z.object({src: text, metadata: z.optional(z.nullable(text))})),
})

/** The `metadata` of an image frame is JSON in a string: what the server really used. */
export const imageMetadata = z.object({
  sui_image_params: z.object({seed: z.optional(z.number()), model: z.optional(text)}),
  sui_extra_data: z.optional(
    z.object({
      agrun: z.optional(text),
      agitem: z.optional(text),
      agkey: z.optional(text),
      /** Only in what a workflow saves on its way to the picture (reference 2.1). */
      intermediate: z.optional(z.unknown()),
    }),
  ),
})
export type ImageMetadata = z.infer<typeof imageMetadata>

export function toActivity(body: StatusBody['status']): ActivityCounters {
  return {
    waitingGens: body.waiting_gens,
    loadingModels: body.loading_models,
    waitingBackends: body.waiting_backends,
    liveGens: body.live_gens,
  }
}
