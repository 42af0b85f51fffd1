import type {MockBackend} from './backends.ts'
import {collides} from './metadata.ts'
import {renderPicture} from './picture/render.ts'
import {type GenerationRequest, orderOf, requestMetadata, sleep} from './request.ts'

export const INTERRUPTED = 'Generation session interrupted.'

/** What comes before the sampler's steps and after them, as fractions of the whole (recording 02). */
const BEFORE_STEPS = 0.625
const STEPS_SHARE = 0.125
const NODES_BEFORE = [0, 0.125, 0.25, 0.375, 0.5, 0.625]

/** Goes through the steps. Returns why there is no picture, `''` for no reason given, `undefined` when there is one. */
export async function sample(
  request: GenerationRequest,
  index: number,
  backend: MockBackend,
  stop: AbortSignal,
): Promise<string | undefined> {
  const {world, understood, fault, sink} = request
  if (understood['model'] === undefined || understood['model'] === '') {
    if (backend.settings.type === 'comfyui_api') return 'No model input given. Did your UI load properly?'
  }
  if (fault.refuse !== undefined) return fault.refuse
  if (backend.settings.gone) return 'Something went wrong while generating images.'
  const steps = Number(understood['steps'] ?? world.settings.steps)
  const stepMs = fault.step_ms ?? world.settings.step_ms
  const strikeAt = fault.at_step ?? Math.floor(steps / 2)
  const tellsProgress = backend.settings.type === 'comfyui_api'
  const progress = (overall: number, current: number, more: object = {}): void => {
    if (!tellsProgress) return
    const batch_index = String(request.firstIndex + index * request.batch)
    const gen_progress = {
      batch_index,
      request_id: request.requestId,
      ...more,
      overall_percent: overall,
      current_percent: current,
    }
    sink.send({gen_progress})
  }
  for (const node of NODES_BEFORE)
    progress(node, 0, node === 0 ? {metadata: requestMetadata(request, index, 0, false)} : {})
  for (let step = 0; step <= steps; step++) {
    if (step === strikeAt) {
      const struck = await strike(request, stop)
      if (struck !== undefined) return struck
    }
    if (step === steps) break
    await sleep(stepMs, stop)
    if (stop.aborted) return INTERRUPTED
    progress(BEFORE_STEPS + (STEPS_SHARE * (step + 1)) / steps, (step + 1) / steps)
    if (understood['nopreviews'] !== true) {
      const preview = `data:image/png;base64,${thumbnail(request, index).toString('base64')}`
      progress(0.71875 + (0.140625 * (step + 1)) / steps, (step + 1) / steps, {preview})
    }
  }
  progress(0.75, 0)
  progress(0.875, 0)
  progress(1, 1)
  return collides(request.extra) ? 'Something went wrong while generating images.' : undefined
}

/** What a fault does in the middle of a generation; `undefined` when it goes on. */
async function strike({fault, sink, world}: GenerationRequest, stop: AbortSignal): Promise<string | undefined> {
  if (fault.hang) {
    await sleep(2 ** 30, stop)
    return INTERRUPTED
  }
  if (fault.drop === 'running' || fault.status !== undefined) sink.drop(fault.status)
  if (fault.restart) world.restart()
  if (fault.empty) return ''
  return fault.error
}

function thumbnail(request: GenerationRequest, index: number): Buffer {
  return renderPicture({...orderOf(request, index, 0), width: 64, height: 64, format: 'png', plain: true}, '')
}
