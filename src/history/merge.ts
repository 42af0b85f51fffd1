import type {Context} from '../context.ts'
import {UsageError} from '../errors.ts'
import {type ParsedLine, parseLine} from '../session/history-line.ts'

/** What merging came to; also what `--json` prints. */
export interface MergeResult {
  readonly schemaVersion: 1
  /** Lines that were read, and those of them that are no line of a history. */
  readonly lines: number
  readonly damaged: number
  /** Sessions that this workspace did not have, that got new lines, and that were known whole. */
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  /** Sessions that a live process is writing: left alone. */
  readonly live: readonly string[]
  /** Lines that two machines wrote differently: they had gone on with the same session. */
  readonly conflicts: number
  /** Histories of this workspace of which lines were not kept, as they were before. Absolute. */
  readonly put_aside: readonly string[]
}

/**
 * Adds the histories of other runs, as `exportHistory` or an artifact has them, to this workspace: for each session the union
 * by epoch and sequence. The order of merges does not matter, nor does merging twice. What comes from elsewhere is checked
 * line by line; what is no line of a history is counted and left out. `passing`: it is a copy of what is kept elsewhere, and need not be
 * synced to disk.
 */
export async function mergeHistory(
  {sessions}: Pick<Context, 'sessions'>,
  lines: Iterable<string | undefined> | AsyncIterable<string | undefined>,
  {passing = false}: {readonly passing?: boolean} = {},
): Promise<MergeResult> {
  const bySession = new Map<string, ParsedLine[]>()
  let read = 0
  let damaged = 0
  for await (const text of lines) {
    read++
    const line = text === undefined ? undefined : parseLine(text)
    if (!line) {
      damaged++
      continue
    }
    const known = bySession.get(line.session.id)
    if (known) known.push(line)
    else bySession.set(line.session.id, [line])
  }
  if (read > 0 && damaged === read) {
    throw new UsageError(`None of the ${read} lines is a line of a history.`, {
      next: 'Name what ag history export wrote, or a folder with .jsonl files.',
    })
  }
  const counts = {new: 0, changed: 0, unchanged: 0}
  const live: string[] = []
  const aside: string[] = []
  let conflicts = 0
  for (const [id, outcome] of await sessions.upkeep.merge(bySession, {passing})) {
    conflicts += outcome.conflicts
    if (outcome.putAside) aside.push(outcome.putAside)
    if (outcome.state === 'live') live.push(id)
    else counts[outcome.state]++
  }
  const {new: added, changed, unchanged} = counts
  return {schemaVersion: 1, lines: read, damaged, added, changed, unchanged, live, conflicts, put_aside: aside}
}
