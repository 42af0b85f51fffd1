import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {storageError, systemCode, UsageError} from '../errors.ts'
import {namesIn} from '../names-in.ts'
import {readSmallText} from '../read-small.ts'
import {replaceFile} from '../replace-file.ts'
import {isSessionId} from '../session/history-line.ts'
import type {Layout} from './layout.ts'
import type {Owners} from './owners.ts'
import {removeQuietly} from './remove-quietly.ts'
import type {CancelRequests, Credential, RunNotes} from './session-store.ts'

const CREDENTIAL_LIMIT = 16 * 1024
/** No session is named like this. */
const WHOLE_RUN = '.run'

/** Run notes as files, one for each process at a run. A cancel request is an empty file of its own, so that two terminals cannot undo each other's. */
export class RunNoteFiles implements RunNotes {
  readonly #layout: Layout
  readonly #owners: Owners
  readonly #enter: () => Promise<void>

  /** `enter` makes the workspace's folders before the first write. */
  constructor(layout: Layout, owners: Owners, enter: () => Promise<void>) {
    this.#layout = layout
    this.#owners = owners
    this.#enter = enter
  }

  async join(run: string): Promise<void> {
    await this.#withdrawCancel(run)
    await this.#keep(run, {})
  }

  async live(): Promise<ReadonlySet<string>> {
    const notes = namesIn(this.#layout.private).flatMap((name) => noteOf(name) ?? [])
    const standings = await Promise.all(notes.map(({token}) => this.#owners.standing(token)))
    return new Set(notes.filter((_, at) => standings[at] === 'alive').map(({run}) => run))
  }

  async keepCredential(run: string, credential: Credential): Promise<void> {
    await this.#keep(run, credential)
  }

  async credentials(run: string): Promise<ReadonlyMap<string, Credential>> {
    return new Map(
      this.#tokens(run).flatMap((token): [string, Credential][] => {
        const credential = readCredential(this.#notePath(run, token))
        return credential ? [[token, credential]] : []
      }),
    )
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

  async leave(run: string): Promise<void> {
    removeQuietly(this.#notePath(run, this.#owners.token))
    await this.#withdrawCancel(run)
  }

  async forgetAll(run: string): Promise<void> {
    for (const token of this.#tokens(run)) removeQuietly(this.#notePath(run, token))
    removeQuietly(this.#cancelFolder(run))
  }

  async #withdrawCancel(run: string): Promise<void> {
    const others = this.#tokens(run).filter((token) => token !== this.#owners.token)
    const standings = await Promise.all(others.map((token) => this.#owners.standing(token)))
    if (!standings.includes('alive')) removeQuietly(this.#cancelFolder(run))
  }

  async #keep(run: string, note: Partial<Credential>): Promise<void> {
    const path = this.#notePath(run, this.#owners.token)
    await this.#enter()
    try {
      await replaceFile(path, JSON.stringify(note), {mode: 0o600})
    } catch (error) {
      throw storageError(path, error)
    }
  }

  #notePath(run: string, token: string): string {
    return join(this.#layout.private, `${checkedName(run)}.${token}.json`)
  }

  /** The processes that are, or were, at a run. */
  #tokens(run: string): string[] {
    const notes = namesIn(this.#layout.private).flatMap((name) => noteOf(name) ?? [])
    return notes.filter((note) => note.run === checkedName(run)).map(({token}) => token)
  }

  #cancelFolder(run: string): string {
    return join(this.#layout.cancel, checkedName(run))
  }
}

/** Which process's note of which run a file is, by its name. */
function noteOf(name: string): {readonly run: string; readonly token: string} | undefined {
  const [run, token, ending, ...more] = name.split('.')
  const isNote = isSessionId(run) && isSessionId(token) && ending === 'json' && more.length === 0
  return isNote ? {run, token} : undefined
}

function checkedName(run: string): string {
  if (!isSessionId(run)) throw new UsageError(`"${run}" cannot be the name of a run.`)
  return run
}

function readCredential(path: string): Credential | undefined {
  try {
    const {server, secret} = JSON.parse(readSmallText(path, CREDENTIAL_LIMIT) ?? '')
    return typeof server === 'string' && typeof secret === 'string' ? {server, secret} : undefined
  } catch {
    return undefined
  }
}
