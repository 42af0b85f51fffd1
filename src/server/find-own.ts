import {whyOtherTag} from '../asset/embedded-tag.ts'
import {seedBesideKey} from '../asset/key.ts'
import {
  type GeneratedImage,
  GenerationError,
  type ImageRequest,
  type ImageServer,
  type WantedPicture,
} from './image-server.ts'

/**
 * The finished picture of a request that was sent, if the server has it. One that was found by its name alone is looked into: a run
 * of the same name may have left another picture there.
 */
export async function findOwn(
  server: Pick<ImageServer, 'address' | 'findPictures' | 'download'>,
  {tag, parameters}: ImageRequest,
  signal: AbortSignal,
): Promise<GeneratedImage | undefined> {
  const asked = askedFor(server, {tag, parameters})
  const image = (await server.findPictures(tag.run, [asked], signal)).get(tag.item)
  if (!image?.byName) return image
  try {
    return whyOtherTag(asked, await server.download(image.ref, signal)) === undefined ? image : undefined
  } catch (error) {
    if (error instanceof GenerationError && error.fault === 'missing') return undefined
    throw error
  }
}

/**
 * Of the outputs of one request, the picture that was asked for: the first that says nothing else of itself. What the server keeps goes before what it only sends:
 * ours is kept.
 */
export async function chooseOwn(
  server: Pick<ImageServer, 'address' | 'download'>,
  refs: readonly string[],
  request: ImageRequest,
  signal: AbortSignal,
): Promise<GeneratedImage> {
  const kept = refs.filter((ref) => !ref.startsWith('data:'))
  const [first, ...others] = kept.length > 0 ? kept : refs
  if (first === undefined) throw new RangeError('There is nothing to choose from.')
  if (others.length === 0) return {ref: first}
  for (const ref of [first, ...others]) {
    if (whyOtherTag(askedFor(server, request), await server.download(ref, signal)) === undefined) return {ref}
  }
  return {ref: first}
}

function askedFor(
  {address}: Pick<ImageServer, 'address'>,
  {tag, parameters}: ImageRequest,
): WantedPicture & {readonly run: string} {
  const seed = seedBesideKey(tag.key, {id: tag.item, parameters, address})
  return {...tag, ...(seed === undefined ? {} : {seed})}
}
