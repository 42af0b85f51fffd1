import {closeSync, constants, fstatSync, openSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import type {Clock} from '../clock.ts'
import {UsageError} from '../errors.ts'
import {exportSession} from '../history/export.ts'
import {type MergeResult, mergeHistory} from '../history/merge.ts'
import {oldSessions, PRUNE_DEFAULTS} from '../history/prune.ts'
import {redactJson} from '../secrets.ts'
import {isSettled} from '../session/history-line.ts'
import {decides} from '../session/replay.ts'
import type {Session} from '../session/session.ts'
import {textsOf} from '../store/history-reader.ts'
import type {HistoryLine, SessionStore} from '../store/session-store.ts'

interface Histories {
  readonly sessions: SessionStore
  readonly clock: Clock
}

/** What is kept from run to run: as much as `ag history prune` leaves. */
const KEPT = {olderThanMs: PRUNE_DEFAULTS.days * 86_400_000, keep: PRUNE_DEFAULTS.keep}
const MAX_BYTES = 64 * 2 ** 20

/** What was packed: how many sessions, and how many did not fit. */
export interface Packed {
  readonly sessions: number
  readonly left: number
}

/** Writes the histories of a workspace into one new file, but for old ones: what is not over first, then the newest, as many as may be read again. */
export async function packHistories(
  {sessions, clock}: Histories,
  path: string,
  {redactPrompts}: {readonly redactPrompts: boolean},
): Promise<Packed> {
  const histories = new Map<Session, string>()
  for (const id of await sessions.upkeep.ids()) {
    const lines = await historyOf(sessions, id, redactPrompts)
    if (lines) histories.set(lines.session, lines.content)
  }
  for (const old of oldSessions([...histories.keys()], {...KEPT, now: clock.now()})) histories.delete(old)
  const inOrder = [...histories].sort(
    ([a], [b]) => Number(isSettled(a)) - Number(isSettled(b)) || (a.updatedAt < b.updatedAt ? 1 : -1),
  )
  const packed: string[] = []
  let room = MAX_BYTES
  for (const [, content] of inOrder) {
    room -= Buffer.byteLength(content)
    if (room < 0) break
    packed.push(content)
  }
  await writeFile(path, packed.join(''), {flag: 'wx', mode: 0o600})
  return {sessions: packed.length, left: inOrder.length - packed.length}
}

/** A history's lines as they may leave the machine, and its session as the deciding one of them has it. */
async function historyOf(
  sessions: SessionStore,
  id: string,
  redactPrompts: boolean,
): Promise<{session: Session; content: string} | undefined> {
  let newest: HistoryLine | undefined
  let content = ''
  for await (const line of exportSession(sessions, id, {redactPrompts})) {
    if (!newest || decides(line, newest)) newest = line
    content += `${redactJson(line.text)}\n`
  }
  return newest && {session: newest.session, content}
}

/**
 * Adds the histories of such a file to a workspace: read in bounds, line by line, each checked. The file comes from elsewhere; one
 * that is a link, a second name of another file, or too large to be ours is refused with a `UsageError`.
 */
export async function unpackHistories({sessions}: Histories, path: string): Promise<MergeResult> {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  try {
    const facts = fstatSync(fd)
    if (!facts.isFile() || facts.nlink > 1) throw new UsageError('What was kept is no file of histories.')
    if (facts.size > MAX_BYTES) throw new UsageError(`What was kept is larger than ${MAX_BYTES / 2 ** 20} MiB.`)
    return await mergeHistory({sessions}, textsOf(fd, {}), {passing: true})
  } finally {
    closeSync(fd)
  }
}
