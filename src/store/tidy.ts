import {lstatSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {namesIn} from '../names-in.ts'
import {isTemporary} from '../replace-file.ts'
import {isSessionId, isSettled} from '../session/history-line.ts'
import {readTail} from './history-reader.ts'
import {historyPath, type Layout} from './layout.ts'
import {notesIn} from './note-name.ts'
import type {Owners} from './owners.ts'
import {removeQuietly} from './remove-quietly.ts'

const TEMPORARY_FOR_MS = 10 * 60_000

/**
 * Removes what dead processes left behind and nobody needs: markers of sessions that are settled or have no history,
 * identities, locks and credentials of dead owners without an unsettled session, and old temporary files. Returns how many files.
 */
export async function tidyUp(layout: Layout, owners: Owners, now: number): Promise<number> {
  const before = new Map<string, boolean>()
  const wanted = new Set<string>()
  // In this order: who wrote a note is an owner by then, and a session that begins after the look at those has one that is not in it.
  const notes = [layout.private, layout.runs, layout.cancel].flatMap((folder) =>
    notesIn(folder).map(({name, token}) => ({path: join(folder, name), token})),
  )
  for (const token of owners.known()) before.set(token, (await owners.standing(token)) === 'dead')
  let removed = 0
  for (const id of namesIn(layout.active).filter(isSessionId)) {
    const session = readTail(historyPath(layout, id), id)?.line.session
    if (session && !isSettled(session)) {
      wanted.add(session.owner)
      if (session.submission?.by) wanted.add(session.submission.by)
    } else if (session || (await isAbandoned(join(layout.active, id), id, owners, now)))
      removed += Number(removeQuietly(join(layout.active, id)))
  }
  for (const [token, dead] of before) {
    if (dead && !wanted.has(token)) removed += owners.forget(token)
  }
  for (const {path, token} of notes) {
    const isGone = before.get(token) ?? owners.isNone(token)
    if (isGone && !wanted.has(token)) removed += Number(removeQuietly(path))
  }
  const {sessions, local, active, private: credentials, runs} = layout
  for (const folder of [dirname(layout.stateFile), sessions, local, active, credentials, runs]) {
    for (const name of namesIn(folder).filter((name) => isTemporary(name))) {
      if (isOld(join(folder, name), now)) removed += Number(removeQuietly(join(folder, name)))
    }
  }
  return removed
}

/** From the marker to its first line a living maker takes no longer. */
const EMPTY_FOR_MS = 5000

/**
 * Frees an id whose maker died between the marker and the history: the marker holds the first line of a session that was never
 * made, or nothing yet.
 */
export async function freeAbandoned(layout: Layout, owners: Owners, id: string, now: number): Promise<void> {
  const marker = join(layout.active, id)
  const facts = lstatSync(marker, {throwIfNoEntry: false})
  if (!facts || lstatSync(historyPath(layout, id), {throwIfNoEntry: false})) return
  const maker = readTail(marker, id)?.line.session.owner
  const isNobodys = maker === undefined ? now - facts.mtimeMs > EMPTY_FOR_MS : (await owners.standing(maker)) === 'dead'
  if (isNobodys) removeQuietly(marker)
}

/** A marker without a history is nobody's when its maker is dead, or never got to say who it was. */
async function isAbandoned(marker: string, id: string, owners: Owners, now: number): Promise<boolean> {
  const maker = readTail(marker, id)?.line.session.owner
  return maker === undefined ? isOld(marker, now) : (await owners.standing(maker)) === 'dead'
}

function isOld(path: string, now: number): boolean {
  const facts = lstatSync(path, {throwIfNoEntry: false})
  return facts?.isFile() === true && now - facts.mtimeMs > TEMPORARY_FOR_MS
}
