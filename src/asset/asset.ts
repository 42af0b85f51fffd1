import type {ParameterValue} from './parameter.ts'

/** What ids and group names look like: they stand in file names, session ids and the server's folders. */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/

export const IMAGE_FORMATS = ['png', 'jpg', 'webp'] as const
export type ImageFormat = (typeof IMAGE_FORMATS)[number]

/** One declared picture, with everything inherited, expanded and decided. */
export interface Asset {
  readonly id: string
  /** The names of the groups around it, joined by `/`; empty outside of any. */
  readonly group: string
  /** As it is sent: with prefix and suffix. */
  readonly prompt: string
  /** By the server's names, prompt and seed included. Only what the user set. */
  readonly parameters: Readonly<Record<string, ParameterValue>>
  /** Its seed is a new one each time. */
  readonly randomSeed: boolean
  /** The format the server will answer with, as far as the parameters tell. */
  readonly expectedFormat: ImageFormat
  /** Absolute. Throws `UsageError` when the declared path has the ending of another format. */
  readonly pathFor: (format: ImageFormat) => string
}
