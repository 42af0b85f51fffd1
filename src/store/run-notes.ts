import {existsSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {storageError, systemCode, UsageError} from '../errors.ts'
import {namesIn} from '../names-in.ts'
import {readSmallText} from '../read-small.ts'
import {replaceFile} from '../replace-file.ts'
import {isSessionId} from '../session/history-line.ts'
import type {Layout} from './layout.ts'
import type {Owners} from './owners.ts'
import {removeQuietly} from './remove-quietly.ts'
import type {Attendance, Attendant, CancelTarget, Credential, RunNotes} from './session-store.ts'

const NOTE_LIMIT = 16 * 1024

/**
 * Run notes as files. Each belongs to one process, whose token is the second part of its name: `tidyUp` removes what a dead one
 * left. A cancel request is an empty file of its own, so that two terminals cannot undo each other's.
 */
export class RunNoteFiles implements RunNotes {
  readonly #layout: Layout
  readonly #owners: Owners
  readonly #enter: () => Promise<void>
  #joined = 0

  /** `enter` makes the workspace's folders before the first write. */
  constructor(layout: Layout, owners: Owners, enter: () => Promise<void>) {
    this.#layout = layout
    this.#owners = owners
    this.#enter = enter
  }

  async join(run: string, server: string): Promise<Attendance> {
    const {token} = this.#owners
    await this.#enter()
    this.#joined++
    const id = `${this.#joined}.${token}`
    const attendance = new AttendanceFile(this.#layout, {id, run, token, server})
    await attendance.rename(run)
    return attendance
  }

  async attendants(): Promise<readonly Attendant[]> {
    const notes = namesIn(this.#layout.runs).filter((name) => name.endsWith('.json'))
    const found = notes.flatMap((name) => readAttendant(this.#layout, name.slice(0, -'.json'.length)) ?? [])
    const standings = await Promise.all(found.map(({token}) => this.#owners.standing(token)))
    return found.filter((_, at) => standings[at] === 'alive')
  }

  async credentials(run: string): Promise<ReadonlyMap<string, Credential>> {
    const credentials = new Map<string, Credential>()
    for (const name of namesIn(this.#layout.private)) {
      const [of, token, ending] = name.split('.')
      if (of !== checkedName(run) || token === undefined || ending !== 'json') continue
      const credential = readCredential(join(this.#layout.private, name))
      if (credential) credentials.set(token, credential)
    }
    return credentials
  }

  async requestCancel(of: CancelTarget): Promise<void> {
    const path =
      'attendant' in of
        ? attendantRequest(this.#layout, of.attendant)
        : sessionRequest(this.#layout, of.session, of.owner)
    await this.#enter()
    try {
      writeFileSync(path, '', {flag: 'wx'})
    } catch (error) {
      // Asked for before.
      if (systemCode(error) !== 'EEXIST') throw storageError(path, error)
    }
  }

  async cancelRequests(owner = this.#owners.token): Promise<ReadonlySet<string>> {
    return new Set(requestedSessions(this.#layout, owner))
  }
}

/** Being at a run, as a file that says so. */
class AttendanceFile implements Attendance {
  readonly #layout: Layout
  #self: Attendant

  constructor(layout: Layout, self: Attendant) {
    this.#layout = layout
    this.#self = self
  }

  get run(): string {
    return this.#self.run
  }

  async rename(run: string): Promise<void> {
    const {id, server} = this.#self
    this.#self = {...this.#self, run: checkedName(run)}
    await keep(attendantNote(this.#layout, id), {run, server})
  }

  async cancelRequested(): Promise<boolean> {
    return existsSync(attendantRequest(this.#layout, this.#self.id))
  }

  async keepCredential(credential: Credential): Promise<void> {
    await keep(this.#credentialPath, credential)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    removeQuietly(attendantNote(this.#layout, this.#self.id))
    removeQuietly(this.#credentialPath)
    removeQuietly(attendantRequest(this.#layout, this.#self.id))
    for (const session of requestedSessions(this.#layout, this.#self.token)) {
      removeQuietly(sessionRequest(this.#layout, session, this.#self.token))
    }
  }

  get #credentialPath(): string {
    return join(this.#layout.private, `${this.run}.${this.#self.token}.json`)
  }
}

async function keep(path: string, note: object): Promise<void> {
  try {
    await replaceFile(path, JSON.stringify(note), {mode: 0o600})
  } catch (error) {
    throw storageError(path, error)
  }
}

function attendantNote({runs}: Layout, id: string): string {
  return join(runs, `${id}.json`)
}

function attendantRequest({runs}: Layout, id: string): string {
  return join(runs, `${id}.cancel`)
}

function sessionRequest({cancel}: Layout, session: string, owner: string): string {
  return join(cancel, `${checkedName(session)}.${checkedName(owner)}`)
}

function requestedSessions({cancel}: Layout, owner: string): string[] {
  const ending = `.${owner}`
  const names = namesIn(cancel).filter((name) => name.endsWith(ending))
  return names.map((name) => name.slice(0, -ending.length))
}

function readAttendant(layout: Layout, id: string): Attendant | undefined {
  const [, token, ...more] = id.split('.')
  const {run, server} = readNote(attendantNote(layout, id))
  if (token === undefined || more.length > 0 || !isSessionId(run) || typeof server !== 'string') return undefined
  return {id, run, token, server}
}

function readCredential(path: string): Credential | undefined {
  const {server, secret} = readNote(path)
  return typeof server === 'string' && typeof secret === 'string' ? {server, secret} : undefined
}

/** What a file says; nothing where it is none of ours. */
function readNote(path: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readSmallText(path, NOTE_LIMIT) ?? '{}')
  } catch {
    return {}
  }
}

/** Names become file names, whatever a restored history says. */
function checkedName(name: string): string {
  if (!isSessionId(name)) throw new UsageError(`"${name}" cannot be a name here: letters, digits, - and _ can.`)
  return name
}
