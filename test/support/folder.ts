import {mkdtempSync, rmSync} from 'node:fs'
import {mkdir, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string
  /** Writes a file inside, with its folders; returns its absolute path. */
  write(name: string, content: string | Uint8Array): Promise<string>
}

/** A folder of its own for a test, gone when the test ends: `await using folder = temporaryFolder()`. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'ag-'))
  return {
    path,
    async write(name, content) {
      const file = join(path, name)
      await mkdir(dirname(file), {recursive: true})
      await writeFile(file, content)
      return file
    },
    [Symbol.asyncDispose]: async () => rmSync(path, {recursive: true, force: true, maxRetries: 10, retryDelay: 20}),
  }
}
