import {lstatSync, mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {storageError, systemCode, UsageError} from '../errors.ts'
import {namesIn} from '../names-in.ts'
import {readSmallText} from '../read-small.ts'
import {replaceFile} from '../replace-file.ts'
import {isSessionId} from '../session/history-line.ts'
import type {Layout} from './layout.ts'
import {removeQuietly} from './remove-quietly.ts'
import type {CancelRequests, Credential, RunNotes} from './session-store.ts'

const CREDENTIAL_LIMIT = 16 * 1024
/** No session is named like this. */
const WHOLE_RUN = '.run'

/** Run notes as files. A cancel request is an empty file of its own, so that two terminals cannot undo each other's. */
export class RunNoteFiles implements RunNotes {
  readonly #layout: Layout
  readonly #token: string
  readonly #enter: () => Promise<void>

  /** `token` is this process's; `enter` makes the workspace's folders before the first write. */
  constructor(layout: Layout, token: string, enter: () => Promise<void>) {
    this.#layout = layout
    this.#token = token
    this.#enter = enter
  }

  async keepCredential(run: string, credential: Credential): Promise<void> {
    const path = this.#credentialPath(run, this.#token)
    await this.#enter()
    try {
      await replaceFile(path, JSON.stringify(credential), {mode: 0o600})
    } catch (error) {
      throw storageError(path, error)
    }
  }

  async credential(run: string, by?: string): Promise<Credential | undefined> {
    const path = by === undefined ? this.#latestCredential(run) : this.#credentialPath(run, by)
    try {
      return JSON.parse((path && readSmallText(path, CREDENTIAL_LIMIT)) ?? '')
    } catch {
      return undefined
    }
  }

  async requestCancel(run: string, session = WHOLE_RUN): Promise<void> {
    const folder = this.#cancelFolder(run)
    await this.#enter()
    try {
      mkdirSync(folder, {recursive: true})
      writeFileSync(join(folder, session), '', {flag: 'wx'})
    } catch (error) {
      // Asked for before.
      if (systemCode(error) !== 'EEXIST') throw storageError(folder, error)
    }
  }

  async cancelRequests(run: string): Promise<CancelRequests> {
    const requested = new Set(namesIn(this.#cancelFolder(run)))
    return {wholeRun: requested.delete(WHOLE_RUN), sessions: requested}
  }

  async withdrawCancel(run: string): Promise<void> {
    removeQuietly(this.#cancelFolder(run))
  }

  async forget(run: string): Promise<void> {
    removeQuietly(this.#credentialPath(run, this.#token))
    await this.withdrawCancel(run)
  }

  async forgetAll(run: string): Promise<void> {
    for (const path of this.#credentials(run)) removeQuietly(path)
    await this.withdrawCancel(run)
  }

  #credentialPath(run: string, by: string): string {
    return join(this.#layout.private, `${checkedName(run)}.${checkedName(by)}.json`)
  }

  #latestCredential(run: string): string | undefined {
    const written = (path: string): number => lstatSync(path, {throwIfNoEntry: false})?.mtimeMs ?? 0
    return this.#credentials(run).sort((a, b) => written(b) - written(a))[0]
  }

  #credentials(run: string): string[] {
    const start = `${checkedName(run)}.`
    const names = namesIn(this.#layout.private).filter((name) => name.startsWith(start) && name.endsWith('.json'))
    return names.map((name) => join(this.#layout.private, name))
  }

  #cancelFolder(run: string): string {
    return join(this.#layout.cancel, checkedName(run))
  }
}

function checkedName(run: string): string {
  if (!isSessionId(run)) throw new UsageError(`"${run}" cannot be the name of a run.`)
  return run
}
