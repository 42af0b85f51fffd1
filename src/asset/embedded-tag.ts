import {pngChunks} from './image.ts'

/** What SwarmUI wrote into a picture about its making, as far as ag uses it. */
export interface EmbeddedTag {
  readonly run?: string
  readonly item?: string
  readonly key?: string
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
      const {agrun, agitem, agkey} = metadata.sui_extra_data ?? {}
      const {seed, model} = metadata.sui_image_params ?? {}
      return {
        ...(typeof agrun === 'string' ? {run: agrun} : {}),
        ...(typeof agitem === 'string' ? {item: agitem} : {}),
        ...(typeof agkey === 'string' ? {key: agkey} : {}),
        ...(Number.isSafeInteger(seed) ? {seed} : {}),
        ...(typeof model === 'string' ? {model} : {}),
      }
    }
  } catch {
    // Not a PNG, or not SwarmUI's JSON: then nobody wrote a tag.
  }
  return undefined
}

/** Why a picture is not the one that was asked for; `undefined` when it is, or carries no sign either way. */
export function whyOtherTag(asked: EmbeddedTag, bytes: Uint8Array): string | undefined {
  const tag = embeddedTag(bytes)
  const differs = (name: keyof EmbeddedTag): boolean =>
    asked[name] !== undefined && tag?.[name] !== undefined && tag[name] !== asked[name]
  if (differs('run')) return 'was made by another run'
  if (differs('item')) return 'is of another asset'
  if (differs('key')) return 'was made from another description'
  if (differs('seed')) return 'has another seed'
  return undefined
}
