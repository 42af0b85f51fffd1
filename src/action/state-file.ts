import {closeSync, constants, fstatSync, openSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import type {Clock} from '../clock.ts'
import {UsageError} from '../errors.ts'
import {type MergeResult, mergeHistory} from '../history/merge.ts'
import {oldSessions} from '../history/prune.ts'
import {decides} from '../session/replay.ts'
import type {Session} from '../session/session.ts'
import {withoutPrompts} from '../session/without-prompts.ts'
import {textsOf} from '../store/history-reader.ts'
import type {HistoryLine, SessionStore} from '../store/session-store.ts'
import {redact} from '../text.ts'

interface Histories {
  readonly sessions: SessionStore
  readonly clock: Clock
}

/** What is kept from run to run: as much as `ag history prune` leaves. */
const KEPT = {olderThanMs: 30 * 86_400_000, keep: 1000}
const MAX_BYTES = 64 * 2 ** 20

/** Writes the histories of a workspace into one new file, but for old ones. Returns how many sessions it holds. */
export async function packHistories(
  {sessions, clock}: Histories,
  path: string,
  {redactPrompts}: {readonly redactPrompts: boolean},
): Promise<number> {
  const histories = new Map<Session, string>()
  for (const id of await sessions.upkeep.ids()) {
    let newest: HistoryLine | undefined
    let content = ''
    for await (const line of sessions.history(id)) {
      if (!newest || decides(line, newest)) newest = line
      content += `${redact(redactPrompts ? withoutPrompts(line.text) : line.text)}\n`
    }
    if (newest) histories.set(newest.session, content)
  }
  for (const old of oldSessions([...histories.keys()], {...KEPT, now: clock.now()})) histories.delete(old)
  await writeFile(path, [...histories.values()].join(''), {flag: 'wx', mode: 0o600})
  return histories.size
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
