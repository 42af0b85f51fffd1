import {createHash} from 'node:crypto'
import {relative, sep} from 'node:path'
import {BrokenImageError, type ImageFacts, inspectImage} from './asset/image.ts'
import type {Context} from './context.ts'
import {UnreachableError} from './errors.ts'
import {withRetries} from './retry.ts'
import {redact} from './secrets.ts'
import {GenerationError} from './server/image-server.ts'
import type {Picture} from './session/session.ts'
import {foreignLine} from './text.ts'

/** A picture's bytes, and what they say of themselves. */
export interface WholePicture {
  readonly bytes: Uint8Array
  readonly facts: ImageFacts
}

interface FetchOptions {
  /** Whose picture it is, for errors. */
  readonly asset: string
  readonly retries: number
  /** Milliseconds before the first retry. */
  readonly retryDelayMs: number
}

/** Fetches until the bytes are a whole picture: the picture exists on the server, making it again would waste it. */
export async function fetchWhole(
  {server, clock, signal}: Context,
  ref: string,
  {asset, retries, retryDelayMs}: FetchOptions,
): Promise<WholePicture> {
  const attempt = async (): Promise<WholePicture> => {
    const bytes = await server.download(ref, signal)
    return {bytes, facts: inspectImage(bytes)}
  }
  try {
    return await withRetries(attempt, {
      retries: Math.max(1, retries),
      delayMs: retryDelayMs,
      clock,
      signal,
      transient: (error) =>
        error instanceof UnreachableError || error instanceof GenerationError || error instanceof BrokenImageError,
    })
  } catch (error) {
    if (!(error instanceof BrokenImageError)) throw error
    throw new GenerationError('broken', `What the server sent for ${asset} is not a picture: ${error.message}`, {
      next: `It is still on the server as ${foreignLine(redact(ref), 120)}.`,
      cause: error,
    })
  }
}

/** A picture as histories record it; its path is measured from the workspace. */
export function describePicture({bytes, facts}: WholePicture, path: string, workspace: string): Picture {
  const {width, height, format} = facts
  return {path: fromWorkspace(workspace, path), sha256: sha256(bytes), bytes: bytes.length, width, height, format}
}

/** A path as histories keep it: relative to the workspace, with forward slashes. */
export function fromWorkspace(workspace: string, path: string): string {
  return relative(workspace, path).split(sep).join('/')
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
