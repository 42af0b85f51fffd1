import {closeSync, constants, fstatSync, openSync} from 'node:fs'
import {open} from 'node:fs/promises'
import type {Clock} from '../clock.ts'
import {UsageError} from '../errors.ts'
import {type MergeResult, mergeHistory} from '../history/merge.ts'
import {pruneHistory} from '../history/prune.ts'
import {withoutPrompts} from '../session/without-prompts.ts'
import {textsOf} from '../store/history-reader.ts'
import type {SessionStore} from '../store/session-store.ts'
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
  const {removed: old} = await pruneHistory({sessions, clock}, {...KEPT, dryRun: true})
  const left = new Set(old)
  await using file = await open(path, 'wx', 0o600)
  let count = 0
  for (const {id} of await sessions.list({active: false})) {
    if (left.has(id)) continue
    const lines: string[] = []
    for await (const {text} of sessions.history(id)) lines.push(redact(redactPrompts ? withoutPrompts(text) : text))
    await file.appendFile(lines.map((line) => `${line}\n`).join(''))
    count++
  }
  return count
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
    return await mergeHistory({sessions}, textsOf(fd, {}))
  } finally {
    closeSync(fd)
  }
}
