import {embeddedMetadata} from './embedded-metadata.ts'

/** What SwarmUI wrote into a picture about its making, as far as ag uses it. */
export interface EmbeddedTag {
  readonly run?: string
  readonly item?: string
  readonly key?: string
  readonly seed?: number
  readonly model?: string
  /** Something that a workflow saved on its way to the picture (reference 2.1). */
  readonly intermediate?: true
}

/** What SwarmUI's metadata in a picture says. `undefined` where there is none; never throws, whatever the bytes are. */
export function embeddedTag(bytes: Uint8Array): EmbeddedTag | undefined {
  try {
    const text = embeddedMetadata(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    if (text === undefined) return undefined
    const metadata = JSON.parse(text)
    const {agrun, agitem, agkey, intermediate} = metadata.sui_extra_data ?? {}
    const {seed, model} = metadata.sui_image_params ?? {}
    return {
      ...(typeof agrun === 'string' ? {run: agrun} : {}),
      ...(typeof agitem === 'string' ? {item: agitem} : {}),
      ...(typeof agkey === 'string' ? {key: agkey} : {}),
      ...(Number.isSafeInteger(seed) ? {seed} : {}),
      ...(typeof model === 'string' ? {model} : {}),
      ...(intermediate === undefined ? {} : {intermediate: true}),
    }
  } catch {
    // No picture, or not SwarmUI's JSON: then nobody wrote a tag.
    return undefined
  }
}

/** Why a picture is not the one that was asked for; `undefined` when it is, or carries no sign either way. */
export function whyOtherTag(asked: EmbeddedTag, bytes: Uint8Array): string | undefined {
  const tag = embeddedTag(bytes)
  const differs = (name: keyof EmbeddedTag): boolean =>
    asked[name] !== undefined && tag?.[name] !== undefined && tag[name] !== asked[name]
  if (tag?.intermediate) return 'is an intermediate step'
  if (differs('run')) return 'was made by another run'
  if (differs('item')) return 'is of another asset'
  if (differs('key')) return 'was made from another description'
  if (differs('seed')) return 'has another seed'
  return undefined
}
