import {whyOtherTag} from '../asset/embedded-tag.ts'
import {type GeneratedImage, GenerationError, type ImageRequest, type ImageServer} from './image-server.ts'

/**
 * The finished picture of a request that was sent, if the server has it. One that was found by its name alone is looked into: a run
 * of the same name may have left another picture there.
 */
export async function findOwn(
  server: Pick<ImageServer, 'findPictures' | 'download'>,
  {tag, parameters}: ImageRequest,
  signal: AbortSignal,
): Promise<GeneratedImage | undefined> {
  const seed = Number(parameters['seed'])
  const asked = {...tag, ...(Number.isSafeInteger(seed) && seed >= 0 ? {seed} : {})}
  const image = (await server.findPictures(tag.run, [asked], signal)).get(tag.item)
  if (!image || image.seed !== undefined) return image
  try {
    return whyOtherTag(asked, await server.download(image.ref, signal)) === undefined ? image : undefined
  } catch (error) {
    if (error instanceof GenerationError && error.fault === 'missing') return undefined
    throw error
  }
}
