import {basename, join} from 'node:path'
import type {Context} from '../context.ts'
import {messageOf} from '../ending.ts'
import {SessionExistsError} from '../errors.ts'
import {fromWorkspace} from '../fetch-picture.ts'
import type {GeneratedImage} from '../server/image-server.ts'
import {isSettled} from '../session/history-line.ts'
import type {SessionEvent, SessionRequest} from '../session/session.ts'
import type {RecordedTimes, SessionWriter} from '../store/session-store.ts'
import {fetchSought, isBroken, isNotThere, isWithheld, recoveredResult, soughtBy} from './adopt.ts'
import type {Case} from './case.ts'
import {SNAPSHOT_FILE} from './file-rule.ts'
import {readOnDisk} from './find-on-disk.ts'
import {ownFolder, type Places, putInPlace} from './place.ts'
import {inspectPictures, lastWrite, type SessionFolder} from './session-folder.ts'
import type {RecoveryVerdict} from './verdict.ts'

export interface ActOptions {
  readonly places: Places
  readonly force: boolean
  /** Sessions that were named: of these also a picture that is withheld is given up, in the end. */
  readonly sessions: readonly string[]
  readonly retries: number
  /** Milliseconds before the first retry of a download. */
  readonly retryDelayMs: number
}

/** What carrying out a verdict came to. `taken`: another process was faster, and it is that process's now. `failed`: it is as it was. */
export interface Act {
  readonly outcome: 'done' | 'taken' | 'failed'
  /** The session's state afterwards, where it differs from the verdict's. */
  readonly state?: RecoveryVerdict['state']
  /** Where its picture is, or where something was put aside. */
  readonly path?: string
  readonly reason?: string
  readonly message?: string
}

/**
 * Carries out a verdict. What it takes over it also brings to its end, but for `reattach`, which is done by who waits.
 *
 * Throws `UnreachableError`, `DeniedError` and `StorageError`, with the session as it was.
 */
export async function carryOut(
  context: Context,
  options: ActOptions,
  one: Case,
  verdict: RecoveryVerdict,
  image?: GeneratedImage,
): Promise<Act> {
  switch (verdict.action) {
    case 'adopt_from_disk':
      return adoptFromDisk(context, options, one)
    case 'adopt_from_server':
      return image ? adoptFromServer(context, options, one, image) : {outcome: 'done'}
    case 'settle': {
      const {state, reason} = verdict as {state: 'failed' | 'cancelled' | 'lost'; reason: string}
      const error = `Settled by recovery: ${verdict.because}.`
      return settle(context, options, one, {event: state, state, message: error, result: {error, reason}})
    }
    case 'heal':
      return heal(context, options, one)
    case 'import':
      return importFolder(context, options, one, verdict)
    case 'quarantine':
      return putAside(context, options, one)
    case 'none':
    case 'ask_server':
    case 'reattach':
      return {outcome: 'done'}
  }
}

async function adoptFromDisk(context: Context, options: ActOptions, one: Case): Promise<Act> {
  const {workspace} = options.places
  if (!one.onDisk) return {outcome: 'done'}
  const {path} = one.onDisk
  const whole = await readOnDisk(one.onDisk)
  const result = recoveredResult(whole, {path, workspace}, 'disk')
  const event: SessionEvent = {event: 'recovered', state: 'completed', progress: 1, message: 'Found on disk', result}
  return {...(await settle(context, options, one, event)), path: result.picture.path}
}

async function adoptFromServer(context: Context, options: ActOptions, one: Case, image: GeneratedImage): Promise<Act> {
  const {session, request} = one
  if (!session) return {outcome: 'done'}
  try {
    const whole = await fetchSought(context, soughtBy(session, request), image, options)
    const place = await putInPlace(context.server, options.places, session, request, whole)
    const {workspace} = options.places
    const result = recoveredResult(whole, {path: place.path, workspace}, 'server', image)
    const writer = await takeOver(context, options, one, place.snapshotDirectory)
    if (!writer) return taken(context, one)
    const message = 'Found on the server'
    await writer.append({event: 'recovered', state: 'completed', progress: 1, message, result})
    return {outcome: 'done', path: result.picture.path}
  } catch (error) {
    context.signal.throwIfAborted()
    // Only what the server has not is over; what is wrong on this side, or on the way, can be tried again for a while.
    const named = options.sessions.includes(one.id)
    const givenUp = one.witnesses.age === 'given_up' && (isBroken(error) || (named && isWithheld(error)))
    if (!isNotThere(error) && !givenUp) throw error
    const [state, reason, message] = ['lost', givenUp ? 'broken' : 'gone', messageOf(error)] as const
    const ended: SessionEvent = {event: state, state, message, result: {error: message, reason}}
    return {...(await settle(context, options, one, ended)), state, reason, message}
  }
}

async function settle(context: Context, options: ActOptions, one: Case, event: SessionEvent): Promise<Act> {
  const own = ownFolder(options.places, one.id)
  const writer = await takeOver(context, options, one, one.witnesses.snapshot === 'none' ? undefined : own)
  if (!writer) return taken(context, one)
  await writer.append(event)
  return {outcome: 'done'}
}

async function takeOver(
  {sessions}: Context,
  {force}: ActOptions,
  {id}: Case,
  snapshotDirectory: string | undefined,
): Promise<SessionWriter | undefined> {
  return sessions.claim(id, {force, brief: true, ...(snapshotDirectory ? {snapshotDirectory} : {})})
}

/** What the process that was faster has made of it so far. */
async function taken({sessions}: Context, {id}: Pick<Case, 'id'>): Promise<Act> {
  const now = await sessions.get(id)
  if (now && isSettled(now)) {
    return {outcome: 'taken', state: now.state as Act['state'] & string, message: 'another process settled it'}
  }
  return {outcome: 'taken', state: 'live', message: 'another process has taken it over'}
}

async function heal({sessions}: Context, {places}: ActOptions, one: Case): Promise<Act> {
  const folder = ownFolder(places, one.id)
  if (one.witnesses.snapshot === 'bad') await sessions.upkeep.setAside({file: join(folder, SNAPSHOT_FILE)})
  await sessions.upkeep.rewriteSnapshot(one.id, folder)
  await sessions.upkeep.noteSettled(one.id)
  return {outcome: 'done'}
}

/** Writes a history of what another generator left, or of a session whose history is unreadable. */
async function importFolder(
  context: Context,
  {places}: ActOptions,
  {folder, witnesses}: Case,
  {state, reason, because, row}: RecoveryVerdict,
): Promise<Act> {
  const {sessions} = context
  if (!folder) return {outcome: 'done'}
  const first = folder.matched().outputs === 'complete' ? (await inspectPictures(folder)).first : undefined
  const path = first && join(folder.path, first.name)
  const found =
    first && path
      ? recoveredResult({bytes: first.bytes, facts: first.facts}, {path, workspace: places.workspace}, 'disk')
      : {}
  const completed = state === 'completed'
  const error = folder.snapshot.error ?? `Settled by recovery: ${because}.`
  const event: SessionEvent = {
    event: completed ? 'recovered' : 'imported',
    state: completed ? 'completed' : 'failed',
    progress: completed ? 1 : 0,
    message: because,
    result: completed ? found : {error, reason, recovered: 'disk'},
  }
  if (witnesses.snapshot === 'bad') {
    await sessions.upkeep.setAside({file: join(folder.path, SNAPSHOT_FILE)})
  }
  // A snapshot that says so already is somebody's own, and stays as it is.
  const rewrite = row === 9 || row === 10 ? {} : {snapshotDirectory: folder.path}
  try {
    await sessions.record(folder.id, requestOf(folder, places), event, {...rewrite, times: timesOf(folder)})
  } catch (error) {
    if (error instanceof SessionExistsError) return taken(context, {id: folder.id})
    throw error
  }
  return {outcome: 'done', ...(path ? {path: fromWorkspace(places.workspace, path)} : {})}
}

function requestOf(folder: SessionFolder, places: Places): SessionRequest {
  return {
    run: '',
    asset: folder.id,
    prompt: folder.snapshot.prompt ?? '',
    parameters: {},
    output: fromWorkspace(places.workspace, folder.path),
    server: '',
  }
}

function timesOf({snapshot, path}: SessionFolder): RecordedTimes {
  const written = new Date(lastWrite(path)).toISOString()
  return {startedAt: isoTime(snapshot.createdAt) ?? written, endedAt: isoTime(snapshot.completedAt) ?? written}
}

/** Somebody else's date in our form; `undefined` when it is none. */
function isoTime(text: string | undefined): string | undefined {
  const time = Date.parse(text?.slice(0, 40) ?? '')
  const iso = Number.isFinite(time) ? new Date(time).toISOString() : ''
  // Years beyond 9999 are written with a sign, which no history has.
  return /^\d{4}-/.test(iso) ? iso : undefined
}

async function putAside({sessions}: Context, {places}: ActOptions, {damaged, folder}: Case): Promise<Act> {
  const what = damaged === undefined ? folder && {file: join(folder.path, SNAPSHOT_FILE)} : {history: damaged}
  if (!what) return {outcome: 'done'}
  const {place, salvaged} = await sessions.upkeep.setAside(what)
  if (place === undefined) return {outcome: 'taken', message: 'another process has mended it'}
  return {
    outcome: 'done',
    path: fromWorkspace(places.workspace, place),
    ...(salvaged > 0 ? {message: `${salvaged} of the lines of ${basename(place)} were saved`} : {}),
  }
}
