import {closeSync, openSync, readdirSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {systemCode, UsageError} from '../errors.ts'
import {textsOf} from './history-reader.ts'

/**
 * The lines of a file of histories, or of all such files in a folder, as an export or an unpacked artifact has them:
 * `undefined` for a line that is too long. `-` is stdin. Throws `UsageError` for a path that is neither.
 */
export function* linesOf(path: string): Generator<string | undefined> {
  for (const file of path === '-' ? [0] : filesOf(path)) yield* linesOfFile(file)
}

/** What the user names may be a link or a pipe; only what restored folders hold is suspect, and there the store reads. */
function* linesOfFile(file: string | number): Generator<string | undefined> {
  let fd: number | undefined
  try {
    fd = typeof file === 'number' ? file : openSync(file, 'r')
    // A last line without a line break may be whole all the same; if it is not, it is none.
    yield* textsOf(fd, {lastToo: true})
  } catch (error) {
    throw new UsageError(`${file === 0 ? 'stdin' : file} cannot be read: ${systemCode(error) ?? String(error)}.`, {
      cause: error,
    })
  } finally {
    if (fd !== undefined && fd !== file) closeSync(fd)
  }
}

function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const entries = readdirSync(path, {recursive: true, withFileTypes: true})
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.jsonl'))
    if (files.length > 0) return files.map((entry) => join(entry.parentPath, entry.name)).sort()
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${systemCode(error) ?? String(error)}.`, {
      next: 'Name a file of JSON Lines, or a folder with such files.',
      cause: error,
    })
  }
  throw new UsageError(`There is no file of histories in ${path}.`, {next: 'Their names end with .jsonl.'})
}
