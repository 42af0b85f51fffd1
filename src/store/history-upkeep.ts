import {existsSync, lstatSync, unlinkSync} from 'node:fs'
import {basename, join} from 'node:path'
import type {Clock} from '../clock.ts'
import {storageError, UsageError} from '../errors.ts'
import {isTemporary} from '../replace-file.ts'
import {isSessionId, isSettled, type ParsedLine} from '../session/history-line.ts'
import {withClaimLock} from './claim-lock.ts'
import {historyIds, historyNames, idOf} from './history-names.ts'
import {readEveryLine, readLines, readTail} from './history-reader.ts'
import {historyPath, type Layout} from './layout.ts'
import {mergeHistoryFile} from './merge-history-file.ts'
import {mergeLines} from './merge-lines.ts'
import type {Owners} from './owners.ts'
import {copyAside, putAside} from './quarantine.ts'
import type {HistoryCheck, MergeOutcome, SetAside, Upkeep} from './session-store.ts'
import {forgetSettled, knownSettled, noteSettled} from './settled-index.ts'
import {writeSnapshot} from './snapshot.ts'
import {tidyUp} from './tidy.ts'
import {replaceHistory} from './write-history.ts'

interface Workspace {
  readonly layout: Layout
  readonly owners: Owners
  readonly clock: Clock
  /** Makes the folders before the first write. */
  readonly enter: () => Promise<void>
  /** The histories changed: the views are stale. */
  readonly changed: () => void
}

/** On a file system without links a history is empty for a moment while it is made. */
const EMPTY_FOR_MS = 60_000
/** So many histories are merged in one turn with the lock. */
const AT_ONCE = 200

/** Upkeep of histories as files. */
export class HistoryUpkeep implements Upkeep {
  readonly #workspace: Workspace

  constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  async damaged({thorough = false} = {}): Promise<readonly string[]> {
    const {layout, clock} = this.#workspace
    const settled = thorough ? new Set<string>() : knownSettled(layout.settled)
    return historyNames(layout).filter((name) => {
      const id = idOf(name)
      if (id !== undefined && (settled.has(id) || readTail(historyPath(layout, id), id))) return false
      const facts = lstatSync(join(layout.sessions, name), {throwIfNoEntry: false})
      if (!facts || isTemporary(name)) return false
      return !(facts.isFile() && facts.size === 0 && clock.now() - facts.mtimeMs < EMPTY_FOR_MS)
    })
  }

  async setAside(
    what: {readonly history: string} | {readonly file: string} | {readonly copyOf: string},
  ): Promise<SetAside> {
    const {layout, clock, enter, changed} = this.#workspace
    await enter()
    if ('file' in what) return {place: putAside(layout, what.file, clock.now()), salvaged: 0}
    if ('copyOf' in what) return {place: copyAside(layout, what.copyOf, clock.now()), salvaged: 0}
    const aside = await this.#locked(async (): Promise<SetAside | undefined> => {
      const path = join(layout.sessions, basename(what.history))
      const id = idOf(what.history)
      // Another process may have mended it since it was found to be damaged.
      if (id !== undefined && readTail(path, id)) return undefined
      const lines = id === undefined ? [] : mergeLines([[...readLines(path, id)]]).lines
      if (lines.length === 0) return {place: putAside(layout, path, clock.now()), salvaged: 0}
      // A copy goes aside: at no moment is the session without a history.
      const place = copyAside(layout, path, clock.now())
      await replaceHistory(path, lines)
      return {place, salvaged: lines.length}
    })
    changed()
    return aside ?? {salvaged: 0}
  }

  async merge(
    copies: ReadonlyMap<string, readonly ParsedLine[]>,
    {passing = false}: {readonly passing?: boolean} = {},
  ): Promise<ReadonlyMap<string, MergeOutcome>> {
    const bad = [...copies.keys()].find((id) => !isSessionId(id))
    if (bad !== undefined) throw new UsageError(`"${bad}" cannot be the id of a session.`)
    const outcomes = new Map<string, MergeOutcome>()
    const ids = [...copies.keys()]
    // Others are let in between.
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const turn = ids.slice(at, at + AT_ONCE)
      await this.#locked(async () => {
        for (const id of turn)
          outcomes.set(id, await mergeHistoryFile(this.#workspace, id, copies.get(id) ?? [], passing))
      })
      for (const id of turn) if (!outcomes.has(id)) outcomes.set(id, {state: 'live', conflicts: 0})
    }
    this.#workspace.changed()
    return outcomes
  }

  async remove(ids: readonly string[]): Promise<readonly string[]> {
    if (ids.length === 0) return []
    const {layout, changed} = this.#workspace
    const removed = await this.#locked(async () => {
      const gone = ids.filter((id) => {
        const path = historyPath(layout, id)
        const session = isSessionId(id) ? readTail(path, id)?.line.session : undefined
        if (!session || !isSettled(session)) return false
        unlinkSync(path)
        return true
      })
      await forgetSettled(layout.settled, new Set(gone))
      return gone
    })
    changed()
    return removed ?? []
  }

  async tidy(): Promise<number> {
    const {layout, owners, clock} = this.#workspace
    // Where nothing was ever written there is nothing to tidy, and nothing is to be made.
    if (!existsSync(layout.local)) return 0
    return (await this.#locked(() => tidyUp(layout, owners, clock.now()))) ?? 0
  }

  async check(id: string): Promise<HistoryCheck | undefined> {
    if (!isSessionId(id)) return undefined
    let [lines, damaged, torn, hasRequest] = [0, 0, false, false]
    const seqs = new Set<number>()
    for (const line of readEveryLine(historyPath(this.#workspace.layout, id), id)) {
      if (line === 'torn') torn = true
      else if (line === 'damaged') damaged++
      else {
        lines++
        seqs.add(line.session.seq)
        hasRequest ||= line.request !== undefined
      }
    }
    if (lines + damaged === 0 && !torn) return undefined
    const sorted = [...seqs].sort((a, b) => a - b)
    const missing = sorted.length === 0 ? 0 : (sorted.at(-1) ?? 0) - (sorted[0] ?? 0) + 1 - sorted.length
    return {lines, damaged, torn, hasRequest, missing}
  }

  async ids(): Promise<ReadonlySet<string>> {
    return new Set(historyIds(this.#workspace.layout))
  }

  async knownSettled(): Promise<ReadonlySet<string>> {
    return knownSettled(this.#workspace.layout.settled)
  }

  async noteSettled(id: string): Promise<void> {
    noteSettled(this.#workspace.layout.settled, id)
  }

  async rewriteSnapshot(id: string, directory: string): Promise<void> {
    const {layout} = this.#workspace
    const session = readTail(historyPath(layout, id), id)?.line.session
    const [first] = readLines(historyPath(layout, id), id)
    if (!session || !first?.request) return
    try {
      await writeSnapshot(directory, layout.root, session, first.request)
    } catch (error) {
      throw storageError(directory, error)
    }
  }

  async #locked<T>(work: () => Promise<T>): Promise<T | undefined> {
    const {layout, clock, enter} = this.#workspace
    await enter()
    return withClaimLock(layout, clock, work)
  }
}
