import {readdirSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {systemCode, UsageError} from '../errors.ts'
import {readTexts} from './history-reader.ts'

/**
 * The lines of a file of histories, or of all such files in a folder, as an export or an unpacked artifact has them:
 * `undefined` for a line that is too long or has no end. Throws `UsageError` for a path that is neither.
 */
export function* linesOf(path: string): Generator<string | undefined> {
  for (const file of filesOf(path)) yield* readTexts(file)
}

function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path, {recursive: true}) as string[]
    const files = names.filter((name) => name.endsWith('.jsonl')).sort()
    if (files.length > 0) return files.map((name) => join(path, name))
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${systemCode(error) ?? String(error)}.`, {
      next: 'Name a file of JSON Lines, or a folder with such files.',
      cause: error,
    })
  }
  throw new UsageError(`There is no file of histories in ${path}.`, {next: 'Their names end with .jsonl.'})
}
