import {createHash} from 'node:crypto'
import {mkdir, readFile, stat} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import envPaths from 'env-paths'
import {replaceFile} from '../replace-file.ts'

/** One SwarmUI session for each server and identity, in the user's own cache folder: it is a credential. */
export interface KeptSession {
  /** What was kept, unchecked; `undefined` when there is nothing or it is old. */
  load(): Promise<unknown>
  /** Keeps a session; a folder that cannot be written only costs the server a session more. */
  save(session: unknown): Promise<void>
}

/** The version and permissions that come with a session may change with a restart of the server; so it is not kept for long. */
const KEEP_FOR_MS = 60 * 60 * 1000

/** The session kept for this server and identity by an earlier process of this user. */
export function keptSession(server: string, identity: object, folder: string = cacheFolder()): KeptSession {
  const name = createHash('sha256')
    .update(JSON.stringify([server, identity]))
    .digest('hex')
    .slice(0, 32)
  const path = join(folder, `${name}.json`)
  return {
    async load() {
      try {
        if (Date.now() - (await stat(path)).mtimeMs > KEEP_FOR_MS) return undefined
        return JSON.parse(await readFile(path, 'utf8'))
      } catch {
        return undefined
      }
    },
    async save(session) {
      try {
        await mkdir(dirname(path), {recursive: true, mode: 0o700})
        await replaceFile(path, JSON.stringify(session), {mode: 0o600})
      } catch {
        // The next process asks for one of its own.
      }
    },
  }
}

function cacheFolder(): string {
  return join(envPaths('asset-generator-ci', {suffix: ''}).cache, 'swarmui-sessions')
}
