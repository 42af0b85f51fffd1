import {pngChunks} from './image.ts'

/** What SwarmUI wrote into a picture about its making, as far as ag uses it. */
export interface EmbeddedTag {
  readonly run?: string
  readonly item?: string
  readonly seed?: number
  readonly model?: string
}

/**
 * Reads SwarmUI's metadata from a PNG: JSON in the `tEXt` chunk `parameters` (recordings 02 and 11). `undefined` where there
 * is none; never throws, whatever the bytes are.
 */
export function embeddedTag(bytes: Uint8Array): EmbeddedTag | undefined {
  try {
    for (const {type, body} of pngChunks(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
      if (type !== 'tEXt' || body.toString('latin1', 0, 11) !== 'parameters\0') continue
      const metadata = JSON.parse(body.toString('latin1', 11))
      const {agrun, agitem} = metadata.sui_extra_data ?? {}
      const {seed, model} = metadata.sui_image_params ?? {}
      return {
        ...(typeof agrun === 'string' ? {run: agrun} : {}),
        ...(typeof agitem === 'string' ? {item: agitem} : {}),
        ...(Number.isSafeInteger(seed) ? {seed} : {}),
        ...(typeof model === 'string' ? {model} : {}),
      }
    }
  } catch {
    // Not a PNG, or not SwarmUI's JSON: then nobody wrote a tag.
  }
  return undefined
}
