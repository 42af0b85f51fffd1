import {DEFAULT_OUTPUT_PATH, firstFree, makeOutputPath} from './output-path.ts'
import {type PictureOrder, renderPicture} from './picture/render.ts'
import {type GenerationRequest, orderOf, requestMetadata} from './request.ts'

/** Saves the pictures of a batch and tells each in a frame of its own. */
export function saveBatch(request: GenerationRequest, index: number): void {
  const {batch, images, firstIndex, fault} = request
  for (let n = 0; n < batch; n++) {
    const batchIndex = index * batch + n
    if (fault.on_the_way) {
      const step = {...request, extra: {...request.extra, intermediate: 'intermediate output'}}
      tell(step, {index, n, batchIndex, told: STEP_INDEX})
    }
    tell(request, {index, n, batchIndex, told: firstIndex + batchIndex})
    if (fault.further) tell(request, {index, n, batchIndex, told: images * batch + batchIndex})
  }
}

/** What a workflow saves on its way counts down from here; what it has beyond what was asked for counts on behind that (reference 2.4). */
const STEP_INDEX = -11

function tell(
  request: GenerationRequest,
  {index, n, batchIndex, told}: {index: number; n: number; batchIndex: number; told: number},
): void {
  const {sink, understood, requestId} = request
  const order = orderOf(request, index, n)
  const metadata = requestMetadata(request, index, n, true)
  const save = understood['donotsave'] !== true
  const image = save ? savePicture(request, batchIndex, order, metadata) : dataUrl(order)
  sink.send({image, batch_index: String(told), request_id: requestId, metadata})
}

function savePicture(request: GenerationRequest, batchIndex: number, order: PictureOrder, told: string): string {
  const {session, understood, extra} = request
  const {gallery, name} = session.user
  const now = new Date()
  const two = (value: number): string => String(value).padStart(2, '0')
  const format = String(understood['overrideoutpathformat'] ?? DEFAULT_OUTPUT_PATH)
  const base = makeOutputPath(format, {
    ...Object.fromEntries(Object.entries(extra).map(([key, value]) => [key.toLowerCase(), String(value)])),
    year: now.getFullYear(),
    month: two(now.getMonth() + 1),
    day: two(now.getDate()),
    hour: two(now.getHours()),
    minute: two(now.getMinutes()),
    request_time_inc: two(now.getSeconds()).padStart(3, '0'),
    batch_id: batchIndex,
    seed: order.seed,
    prompt: String(understood['prompt'] ?? ''),
    model: String(understood['model'] ?? ''),
  })
  const ending = order.format
  const path = `${firstFree(base, (candidate) => gallery.has(`${candidate}.${ending}`))}.${ending}`
  gallery.save({path, order, metadata: told})
  return `View/${name}/${path}`
}

function dataUrl(order: PictureOrder): string {
  return `data:image/${order.format === 'jpg' ? 'jpeg' : 'png'};base64,${renderPicture(order, '').toString('base64')}`
}
