import {existsSync, lstatSync, utimes, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {Clock} from '../clock.ts'
import {storageError, systemCode, UsageError} from '../errors.ts'
import {readSmallText} from '../read-small.ts'
import {replaceFile} from '../replace-file.ts'
import {isSessionId} from '../session/history-line.ts'
import {isRecord} from '../session/record.ts'
import type {Layout} from './layout.ts'
import {noteName, notesIn} from './note-name.ts'
import type {Owners} from './owners.ts'
import {removeQuietly} from './remove-quietly.ts'
import type {Attendance, Attendant, CancelTarget, Credential, RunNotes} from './session-store.ts'

const NOTE_LIMIT = 16 * 1024
/** How often a process at a run gives a sign of life, for where nobody can ask after it; and how long one counts, by clocks that may differ. */
const BEAT_MS = 60_000
const ALIVE_FOR_MS = 60 * BEAT_MS

/**
 * Run notes as files. Each belongs to one process, which its name tells: `tidyUp` removes what a dead one left. A cancel request is
 * an empty file of its own, so that two terminals cannot undo each other's.
 */
export class RunNoteFiles implements RunNotes {
  readonly #layout: Layout
  readonly #owners: Owners
  readonly #clock: Clock
  readonly #enter: () => Promise<void>
  #joined = 0

  /** `enter` makes the workspace's folders before the first write. */
  constructor(layout: Layout, owners: Owners, clock: Clock, enter: () => Promise<void>) {
    this.#layout = layout
    this.#owners = owners
    this.#clock = clock
    this.#enter = enter
  }

  async join(run: string, server: string): Promise<Attendance> {
    const {token} = this.#owners
    await this.#enter()
    this.#joined++
    const id = noteName({about: String(this.#joined), token})
    const attendance = new AttendanceFile(this.#layout, {id, run, token, server})
    await attendance.rename(run)
    attendance.giveSigns()
    return attendance
  }

  async attendants(): Promise<readonly Attendant[]> {
    const found = notesIn(this.#layout.runs, '.json').flatMap((note) => readAttendant(this.#layout, note) ?? [])
    const standings = await Promise.all(found.map(({token}) => this.#owners.standing(token)))
    return found.filter(
      ({id}, at) =>
        standings[at] === 'alive' || (standings[at] === 'unknown' && this.#isFresh(attendantNote(this.#layout, id))),
    )
  }

  async credentials(run: string): Promise<ReadonlyMap<string, Credential>> {
    const notes = notesIn(this.#layout.private, '.json').filter(({about}) => about === checkedName(run))
    return new Map(
      notes.flatMap(({name, token}): [string, Credential][] => {
        const credential = readCredential(join(this.#layout.private, name))
        return credential ? [[token, credential]] : []
      }),
    )
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

  async cancelRequests(owner: string): Promise<ReadonlySet<string>> {
    return requestedSessions(this.#layout, owner)
  }

  #isFresh(path: string): boolean {
    const facts = lstatSync(path, {throwIfNoEntry: false})
    return facts !== undefined && Math.abs(this.#clock.now() - facts.mtimeMs) < ALIVE_FOR_MS
  }
}

/** Being at a run, as a file that says so. */
class AttendanceFile implements Attendance {
  readonly #layout: Layout
  #beat: NodeJS.Timeout | undefined
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
    if (run !== this.run) removeQuietly(this.#credentialPath)
    this.#self = {...this.#self, run: checkedName(run)}
    await keep(attendantNote(this.#layout, id), {run, server})
  }

  async cancelRequested(): Promise<boolean> {
    return existsSync(attendantRequest(this.#layout, this.#self.id))
  }

  async sessionsToCancel(): Promise<ReadonlySet<string>> {
    return requestedSessions(this.#layout, this.#self.token)
  }

  async keepCredential(credential: Credential): Promise<void> {
    await keep(this.#credentialPath, credential)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const {id, token} = this.#self
    clearInterval(this.#beat)
    removeQuietly(attendantNote(this.#layout, id))
    removeQuietly(this.#credentialPath)
    removeQuietly(attendantRequest(this.#layout, id))
    for (const session of requestedSessions(this.#layout, token)) {
      removeQuietly(sessionRequest(this.#layout, session, token))
    }
  }

  /** From now on, until it is disposed of. Keeps no process alive. */
  giveSigns(): void {
    const note = attendantNote(this.#layout, this.#self.id)
    this.#beat = setInterval(() => {
      const now = new Date()
      // One that does not come through is followed by others.
      utimes(note, now, now, () => {})
    }, BEAT_MS).unref()
  }

  get #credentialPath(): string {
    return join(this.#layout.private, noteName({about: this.run, token: this.#self.token}, '.json'))
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
  return join(cancel, noteName({about: checkedName(session), token: checkedName(owner)}))
}

function requestedSessions({cancel}: Layout, owner: string): ReadonlySet<string> {
  const requests = notesIn(cancel, '').filter(({token}) => token === owner)
  return new Set(requests.map(({about}) => about))
}

function readAttendant(layout: Layout, of: {readonly about: string; readonly token: string}): Attendant | undefined {
  const id = noteName(of)
  const {run, server} = readNote(attendantNote(layout, id))
  return isSessionId(run) && typeof server === 'string' ? {id, run, token: of.token, server} : undefined
}

function readCredential(path: string): Credential | undefined {
  const {server, secret} = readNote(path)
  return typeof server === 'string' && typeof secret === 'string' ? {server, secret} : undefined
}

/** What a file says; nothing where it is none of ours. */
function readNote(path: string): Readonly<Record<string, unknown>> {
  try {
    const note: unknown = JSON.parse(readSmallText(path, NOTE_LIMIT) ?? '')
    return isRecord(note) ? note : {}
  } catch {
    return {}
  }
}

/** Names become file names, whatever a restored history says. */
function checkedName(name: string): string {
  if (!isSessionId(name)) throw new UsageError(`"${name}" cannot be a name here: letters, digits, - and _ can.`)
  return name
}
