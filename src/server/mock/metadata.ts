import type {Understood} from './parameters.ts'

interface MetadataOf {
  readonly understood: Understood
  readonly images: number
  readonly seed: number
  readonly version: string
  readonly date: string
  readonly extra: Readonly<Record<string, unknown>>
  /** Absent for a preview. */
  readonly seconds?: {readonly prep: number; readonly generation: number}
}

/** The JSON in a string that SwarmUI puts into frames, listings and files, pretty-printed as it does (recordings 02, 11). */
export function metadataOf({understood, images, seed, version, date, extra, seconds}: MetadataOf): string {
  const {images: _images, ...own} = understood
  const params = {
    ...(images > 1 ? {images} : {}),
    ...own,
    seed,
    prompt: own['prompt'] ?? '',
    negativeprompt: own['negativeprompt'] ?? '',
    ...(seconds ? {swarm_version: version} : {is_preview: true, preview_notice: 'Image is not done generating'}),
  }
  const told = {
    date,
    ...(version === '0.9.7' ? joinLists(extra) : extra),
    ...(seconds
      ? {prep_time: `${seconds.prep.toFixed(2)} sec`, generation_time: `${seconds.generation.toFixed(2)} sec`}
      : {}),
  }
  const toldOf = seconds || version !== '0.9.7' ? {sui_extra_data: told} : {}
  return JSON.stringify({sui_image_params: params, ...toldOf}, null, 2)
}

/** 0.9.7 made one text of a list. */
function joinLists(extra: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(extra).map(([key, value]) => [key, Array.isArray(value) ? value.join(', ') : value]),
  )
}

/** `extra_metadata` of a request: an object of strings and lists of strings; whatever else is ignored (recording 11). */
export function readExtraMetadata(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, entry]) =>
        typeof entry === 'string' || (Array.isArray(entry) && entry.every((part) => typeof part === 'string')),
    ),
  )
}

/** Keys are also indexed by their letters alone; two that collide make every save fail (recording 11). */
export function collides(extra: Readonly<Record<string, unknown>>): boolean {
  const letters = Object.keys(extra).map((key) => key.toLowerCase().replace(/[^a-z]/g, ''))
  return new Set(letters).size < letters.length
}
