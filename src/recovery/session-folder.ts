import {type Dirent, lstatSync, readdirSync} from 'node:fs'
import {join, resolve, sep} from 'node:path'
import {BrokenImageError, type ImageFacts, inspectImage} from '../asset/image.ts'
import {namesIn} from '../names-in.ts'
import {readSmall, readSmallText} from '../read-small.ts'
import {isSessionId} from '../session/history-line.ts'
import {type Matched, SNAPSHOT_FILE} from './file-rule.ts'
import type {Witnesses} from './verdict.ts'

/** `session_state.json` as far as it is understood (seed 004). Everything in it is somebody else's word. */
export interface Snapshot {
  readonly state: Witnesses['snapshot']
  readonly prompt?: string
  /** As it stands there, which may be no date. */
  readonly createdAt?: string
  readonly completedAt?: string
  readonly error?: string
}

/** A folder of one session's outputs, by whatever generator. */
export interface SessionFolder {
  readonly id: string
  /** Absolute. */
  readonly path: string
  readonly snapshot: Snapshot
  /** What its files come to; looked at when it is asked for. */
  readonly matched: () => Matched
}

const SNAPSHOT_LIMIT = 2 ** 20
const NO_SNAPSHOT: Snapshot = {state: 'none'}
const BAD_SNAPSHOT: Snapshot = {state: 'bad'}

/**
 * The folders of `sessionsOutput` that are named like sessions and wanted. Of most only the snapshot is read: where it says how
 * the session ended, nobody need list the files. Links are not followed; a folder that cannot be read is passed over.
 */
export function* sessionFolders(
  sessionsOutput: string,
  judge: (names: readonly string[]) => Matched,
  wanted: (id: string) => boolean,
  recursive: boolean,
): Generator<SessionFolder> {
  // Joined by hand: there may be tens of thousands, and nothing is to be normalised.
  const base = resolve(sessionsOutput)
  for (const entry of entriesIn(base)) {
    const id = entry.name
    if (!entry.isDirectory() || !isSessionId(id) || !wanted(id)) continue
    const path = base + sep + id
    const matched = (): Matched => judge(filesIn(path, recursive))
    const snapshot = readSnapshot(path + sep + SNAPSHOT_FILE)
    if (snapshot.state !== 'bad') yield {id, path, snapshot, matched}
    else {
      const names = filesIn(path, recursive)
      const there = names.includes(SNAPSHOT_FILE)
      if (names.length > 0) yield {id, path, snapshot: there ? BAD_SNAPSHOT : NO_SNAPSHOT, matched}
    }
  }
}

/** Whether the pictures that a rule asks for are whole; of the first, what it says of itself. */
export async function inspectPictures({
  path,
  matched,
}: SessionFolder): Promise<{whole: boolean; first?: {name: string; bytes: Buffer; facts: ImageFacts}}> {
  let first: {name: string; bytes: Buffer; facts: ImageFacts} | undefined
  for (const name of matched().pictures) {
    const bytes = await readSmall(join(path, name))
    if (!bytes) return {whole: false}
    try {
      const facts = inspectImage(bytes)
      first ??= {name, bytes, facts}
    } catch (error) {
      if (!(error instanceof BrokenImageError)) throw error
      return {whole: false}
    }
  }
  return {whole: true, ...(first ? {first} : {})}
}

/** When something was last written into a folder, in milliseconds since 1970. */
export function lastWrite(path: string): number {
  const names = namesIn(path)
  const files = [path, ...names.map((name) => join(path, name))]
  return files.reduce((last, file) => Math.max(last, lstatSync(file, {throwIfNoEntry: false})?.mtimeMs ?? 0), 0)
}

/** Reads a snapshot that anybody may have written: bounded, and nothing in it is trusted but its words. */
export function readSnapshot(path: string): Snapshot {
  const text = readSmallText(path, SNAPSHOT_LIMIT)
  if (text === undefined) return BAD_SNAPSHOT
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return BAD_SNAPSHOT
    const {status, prompt, created_at: createdAt, completed_at: completedAt, result} = json as Record<string, unknown>
    const state = STATES.get(String(status).toLowerCase())
    if (!state) return BAD_SNAPSHOT
    const error = typeof result === 'object' && result !== null ? (result as {error?: unknown}).error : undefined
    return {
      state,
      ...(typeof prompt === 'string' ? {prompt} : {}),
      ...(typeof createdAt === 'string' ? {createdAt} : {}),
      ...(typeof completedAt === 'string' ? {completedAt} : {}),
      ...(typeof error === 'string' ? {error: error.slice(0, 1000)} : {}),
    }
  } catch {
    return BAD_SNAPSHOT
  }
}

/** The words of seed 004 and what generators like it write. */
const STATES: ReadonlyMap<string, Witnesses['snapshot']> = new Map([
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['error', 'failed'],
  ['cancelled', 'failed'],
  ['in_progress', 'active'],
  ['processing', 'active'],
  ['pending', 'active'],
  ['queued', 'active'],
  ['running', 'active'],
  ['generating', 'active'],
])

/** As the folder itself tells what they are: a link is no directory. */
function entriesIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, {withFileTypes: true})
  } catch {
    return []
  }
}

const DEEPEST = 8
const FILES_AT_MOST = 10_000

/** The files below a folder, relative to it and with forward slashes. Links are names, and not followed. */
function filesIn(folder: string, recursive: boolean): string[] {
  if (!recursive) return namesIn(folder)
  const files: string[] = []
  const walk = (path: string, prefix: string, depth: number): void => {
    for (const entry of entriesIn(path)) {
      if (files.length >= FILES_AT_MOST) return
      if (!entry.isDirectory()) files.push(prefix + entry.name)
      else if (depth < DEEPEST) walk(join(path, entry.name), `${prefix}${entry.name}/`, depth + 1)
    }
  }
  walk(folder, '', 1)
  return files
}
