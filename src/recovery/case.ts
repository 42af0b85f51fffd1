import {join} from 'node:path'
import type {Context} from '../context.ts'
import {isSettled} from '../session/history-line.ts'
import {isOrphan} from '../session/owner.ts'
import type {SessionRequest} from '../session/session.ts'
import {staleness} from '../session/staleness.ts'
import type {OwnedSession} from '../store/session-store.ts'
import {ANY_PICTURE, type FileRule, fileRule, SNAPSHOT_FILE} from './file-rule.ts'
import {findOnDisk, type PictureOnDisk} from './find-on-disk.ts'
import {ownFolder, type Places} from './place.ts'
import {inspectPictures, lastWrite, readSnapshot, type SessionFolder, sessionFolders} from './session-folder.ts'
import {judgeSession, type RecoveryVerdict, type Witnesses} from './verdict.ts'

/** One session that recovery looks at, with everything that could be found out without asking the server. */
export interface Case {
  readonly id: string
  readonly witnesses: Witnesses
  readonly verdict: RecoveryVerdict
  /** Milliseconds since its last sign of life. */
  readonly silentMs: number
  readonly session?: OwnedSession
  readonly request?: SessionRequest
  readonly onDisk?: PictureOnDisk
  readonly folder?: SessionFolder
  /** What more is to be said than the verdict does. */
  readonly note?: string
  /** The history's file name, where it has no valid line. */
  readonly damaged?: string
}

export interface GatherOptions {
  readonly places: Places
  readonly rule?: FileRule
  /** Unfinished work that has been silent for so long is given up, in milliseconds (seed 004: 30 minutes). */
  readonly giveUpAfterMs: number
  /** Take owners that nobody can ask after for dead. */
  readonly force: boolean
}

const NOTHING: Omit<Witnesses, 'age'> = {
  history: 'none',
  snapshot: 'none',
  outputs: 'none',
  owner: 'foreign',
  submission: 'none',
  server: 'unasked',
  stopAsked: false,
}

/**
 * All sessions that are not settled, histories that cannot be read, and folders of outputs that have no history or a snapshot
 * that is behind it. Reads only.
 */
export async function* gatherCases(context: Context, options: GatherOptions): AsyncGenerator<Case> {
  const {sessions} = context
  const active = await sessions.list({active: true})
  const damaged = new Map((await sessions.upkeep.damaged()).map((name) => [name.replace(/\.jsonl$/, ''), name]))
  const known = await sessions.upkeep.knownSettled()
  const ids = await sessions.upkeep.ids()
  const seen = new Set(active.map(({id}) => id))
  for (const session of active) yield caseOfSession(context, options, session)
  for (const folder of foldersOf(options, (id) => !known.has(id) && !seen.has(id))) {
    const session = ids.has(folder.id) ? await sessions.get(folder.id) : undefined
    // It may have begun since the active ones were listed.
    if (session && !isSettled(session)) yield caseOfSession(context, options, session)
    else if (session) yield caseOfSettled(options, context.clock.now(), session, folder)
    else if (isSettledSnapshot(folder)) yield caseOfSnapshot(folder, damaged.get(folder.id))
    else yield await caseOfFolder(options, context.clock.now(), folder, damaged.get(folder.id))
    damaged.delete(folder.id)
  }
  for (const [id, name] of damaged) {
    const witnesses: Witnesses = {...NOTHING, history: 'bad', age: 'fresh'}
    const note = 'its history has no valid line at its end'
    yield {id, witnesses, verdict: judgeSession(witnesses), silentMs: 0, damaged: name, note}
  }
}

/** The case of one session with a history that is not settled. */
export async function caseOfSession(
  {sessions, clock}: Context,
  {places, giveUpAfterMs, force}: GatherOptions,
  session: OwnedSession,
): Promise<Case> {
  const silentMs = clock.now() - Date.parse(session.updatedAt)
  const owner = force && session.ownerStanding === 'unknown' ? 'dead' : session.ownerStanding
  const orphaned = isOrphan({...session, ownerStanding: owner})
  const request = orphaned ? await sessions.request(session.id) : undefined
  const onDisk = orphaned ? await findOnDisk(places, session, request) : undefined
  const stops = orphaned ? await sessions.runs.cancelRequests(session.owner).catch(() => undefined) : undefined
  const witnesses: Witnesses = {
    ...NOTHING,
    history: 'active',
    snapshot: readOwnSnapshot(places, session.id),
    outputs: onDisk ? 'complete' : 'none',
    // A newer ag's session is not ours to judge.
    owner: session.unsupported ? 'unknown' : owner,
    submission: session.submission?.phase ?? 'none',
    stopAsked: stops?.has(session.id) ?? false,
    age: ageOf(silentMs, giveUpAfterMs),
  }
  return {
    id: session.id,
    witnesses,
    verdict: judgeSession(witnesses),
    silentMs,
    session,
    ...(request ? {request} : {}),
    ...(onDisk ? {onDisk} : {}),
  }
}

function caseOfSettled(
  {giveUpAfterMs}: GatherOptions,
  now: number,
  session: OwnedSession,
  folder: SessionFolder,
): Case {
  const silentMs = now - Date.parse(session.updatedAt)
  const witnesses: Witnesses = {
    ...NOTHING,
    history: session.state === 'completed' ? 'completed' : 'failed',
    snapshot: folder.snapshot.state,
    outputs: 'unseen',
    age: ageOf(silentMs, giveUpAfterMs),
  }
  return {id: session.id, witnesses, verdict: judgeSession(witnesses), silentMs, session, folder}
}

/** What a snapshot calls over is taken at its word, without a look at the files. */
function isSettledSnapshot({snapshot}: SessionFolder): boolean {
  return snapshot.state === 'completed' || snapshot.state === 'failed'
}

function caseOfSnapshot(folder: SessionFolder, damaged: string | undefined): Case {
  const witnesses: Witnesses = {
    ...NOTHING,
    history: damaged === undefined ? 'none' : 'bad',
    snapshot: folder.snapshot.state,
    outputs: 'unseen',
    age: 'fresh',
  }
  const found = {id: folder.id, witnesses, verdict: judgeSession(witnesses), silentMs: 0, folder}
  return damaged === undefined ? found : {...found, damaged}
}

/** Without such a word the files themselves must be there, and whole. */
async function caseOfFolder(
  {giveUpAfterMs}: GatherOptions,
  now: number,
  folder: SessionFolder,
  damaged: string | undefined,
): Promise<Case> {
  const {outputs} = folder.matched()
  const whole = outputs !== 'complete' || (await inspectPictures(folder)).whole
  const silentMs = now - lastWrite(folder.path)
  const witnesses: Witnesses = {
    ...NOTHING,
    history: damaged === undefined ? 'none' : 'bad',
    snapshot: folder.snapshot.state,
    outputs: whole ? outputs : 'partial',
    age: ageOf(silentMs, giveUpAfterMs),
  }
  const broken = whole ? undefined : 'one of its pictures is not whole, or is still being written'
  const unreadable = folder.snapshot.state === 'bad' ? `its ${SNAPSHOT_FILE} cannot be read` : undefined
  const note = broken ?? (outputs === 'none' ? unreadable : undefined)
  return {
    id: folder.id,
    witnesses,
    verdict: judgeSession(witnesses),
    silentMs,
    folder,
    ...(note ? {note} : {}),
    ...(damaged === undefined ? {} : {damaged}),
  }
}

function foldersOf({places, rule = ANY_PICTURE}: GatherOptions, wanted: (id: string) => boolean) {
  const recursive = rule.complete.some((glob) => glob.includes('/'))
  return sessionFolders(places.sessionsOutput, fileRule(rule), wanted, recursive)
}

function readOwnSnapshot(places: Places, id: string): Witnesses['snapshot'] {
  const path = join(ownFolder(places, id), SNAPSHOT_FILE)
  const {state} = readSnapshot(path)
  return state === 'bad' ? 'none' : state
}

/** How long ago the last sign of life was, as the truth table asks for it. */
export function ageOf(silentMs: number, giveUpAfterMs: number): Witnesses['age'] {
  return silentMs > giveUpAfterMs ? 'given_up' : staleness(silentMs)
}
