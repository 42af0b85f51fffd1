import {whyOtherTag} from '../asset/embedded-tag.ts'
import {type GeneratedImage, GenerationError, type ImageRequest, type ImageServer} from './image-server.ts'

/**
 * The finished picture of a request that was sent, if the server has it. One that was found by its name alone is looked into: a run
 * of the same name may have left another picture there.
 */
export async function findOwn(
  server: Pick<ImageServer, 'findPictures' | 'download'>,
  {tag}: Pick<ImageRequest, 'tag'>,
  signal: AbortSignal,
): Promise<GeneratedImage | undefined> {
  const image = (await server.findPictures(tag.run, [tag], signal)).get(tag.item)
  if (!image?.byName) return image
  try {
    return whyOtherTag(tag, await server.download(image.ref, signal)) === undefined ? image : undefined
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
  server: Pick<ImageServer, 'download'>,
  refs: readonly string[],
  {tag}: Pick<ImageRequest, 'tag'>,
  signal: AbortSignal,
): Promise<GeneratedImage> {
  const kept = refs.filter((ref) => !ref.startsWith('data:'))
  const [first, ...others] = kept.length > 0 ? kept : refs
  if (first === undefined) throw new RangeError('There is nothing to choose from.')
  if (others.length === 0) return {ref: first}
  for (const ref of [first, ...others]) {
    if (whyOtherTag(tag, await server.download(ref, signal)) === undefined) return {ref}
  }
  return {ref: first}
}
