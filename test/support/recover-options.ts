import {join} from 'node:path'
import type {RecoverOptions} from '../../src/recover.ts'

/** How tests recover a folder: everything, at once, without a manifest and without waiting, but for what they say. */
export function recoverOptions(folder: string, some: Partial<RecoverOptions> = {}): RecoverOptions {
  const sessionsOutput = join(folder, 'output')
  return {
    places: {workspace: folder, sessionsOutput, outputDirectory: sessionsOutput, declared: new Map()},
    giveUpAfterMs: 30 * 60_000,
    force: false,
    apply: true,
    sessions: [],
    concurrency: 4,
    retries: 0,
    retryDelayMs: 1,
    ...some,
  }
}
