import {lstatSync, readdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {isSessionId, isSettled} from '../session/history-line.ts'
import {readTail} from './history-reader.ts'
import {historyPath, type Layout} from './layout.ts'
import type {Owners} from './owners.ts'

const TEMPORARY_FOR_MS = 10 * 60_000

/**
 * Removes what dead processes left behind and nobody needs: markers of sessions that are settled or have no history,
 * identities and locks of dead owners without an unsettled session, and old temporary files. Returns how many files.
 */
export async function tidyUp(layout: Layout, owners: Owners, now: number): Promise<number> {
  const before = new Map<string, boolean>()
  const wanted = new Set<string>()
  // Owners first: a session that begins after this look has an owner that is not in it.
  for (const token of owners.known()) before.set(token, (await owners.standing(token)) === 'dead')
  let removed = 0
  for (const id of names(layout.active).filter(isSessionId)) {
    const session = readTail(historyPath(layout, id), id)?.line.session
    if (session && !isSettled(session)) wanted.add(session.owner)
    else if (session || (await isAbandoned(join(layout.active, id), id, owners, now)))
      removed += remove(join(layout.active, id))
  }
  for (const [token, dead] of before) {
    if (dead && !wanted.has(token)) removed += owners.forget(token)
  }
  for (const folder of [layout.root, layout.active, layout.private]) {
    for (const name of names(folder).filter((name) => isTemporary(name))) {
      if (isOld(join(folder, name), now)) removed += remove(join(folder, name))
    }
  }
  return removed
}

/** A marker without a history holds the first line of a session that was never made, if its maker got that far. */
async function isAbandoned(marker: string, id: string, owners: Owners, now: number): Promise<boolean> {
  const maker = readTail(marker, id)?.line.session.owner
  return maker === undefined ? isOld(marker, now) : (await owners.standing(maker)) === 'dead'
}

function isOld(path: string, now: number): boolean {
  const facts = lstatSync(path, {throwIfNoEntry: false})
  return facts?.isFile() === true && now - facts.mtimeMs > TEMPORARY_FOR_MS
}

/** As `replaceFile` names them, for the files that ag replaces. */
function isTemporary(name: string): boolean {
  return /\.\d+\.[0-9a-f]{8}\.tmp$/.test(name)
}

function remove(path: string): number {
  try {
    rmSync(path)
    return 1
  } catch {
    return 0
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
