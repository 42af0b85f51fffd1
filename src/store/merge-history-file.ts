import {join} from 'node:path'
import type {Clock} from '../clock.ts'
import {isSettled, type ParsedLine} from '../session/history-line.ts'
import {withoutPrompts} from '../session/without-prompts.ts'
import {readEveryLine, readLines, readTail} from './history-reader.ts'
import {historyPath, type Layout} from './layout.ts'
import {mergeLines} from './merge-lines.ts'
import type {Owners} from './owners.ts'
import {copyAside} from './quarantine.ts'
import {removeQuietly} from './remove-quietly.ts'
import type {MergeOutcome} from './session-store.ts'
import {forgetSettled} from './settled-index.ts'
import {replaceHistory, writeNewHistory} from './write-history.ts'

interface Workspace {
  readonly layout: Layout
  readonly owners: Owners
  readonly clock: Clock
}

/**
 * Adds lines of other copies to one session's history; what a live process writes is left alone. Only under the claim lock.
 * `passing`: a history that is new here need not be synced.
 */
export async function mergeHistoryFile(
  {layout, owners, clock}: Workspace,
  id: string,
  theirs: readonly ParsedLine[],
  passing: boolean,
): Promise<MergeOutcome> {
  const path = historyPath(layout, id)
  const before = readTail(path, id)?.line.session
  const ours = [...readLines(path, id)]
  const {lines, conflicts} = mergeLines([ours, theirs.filter((line) => line.session.id === id)])
  const after = lines.at(-1)?.session
  if (!after || (before && sameText(lines, ours))) return {state: 'unchanged', conflicts}
  if (before?.unsupported) return {state: 'live', conflicts}
  const standing = before && !isSettled(before) ? await owners.standing(before.owner) : 'dead'
  if (standing !== 'dead' && standing !== 'foreign') return {state: 'live', conflicts}
  // The index first: an id that is in it is not looked at.
  if (!isSettled(after)) await forgetSettled(layout.settled, new Set([id]))
  if (passing && !before && writeNewHistory(path, lines)) return {state: 'new', conflicts}
  const aside = losesLines(path, id, lines) ? {putAside: copyAside(layout, path, clock.now())} : {}
  await replaceHistory(path, lines)
  if (isSettled(after)) removeQuietly(join(layout.active, id))
  return {state: before ? 'changed' : 'new', conflicts, ...aside}
}

/** Whether something stands in the history that would not stand in it afterwards. Its prompts alone are not something. */
function losesLines(path: string, id: string, lines: readonly ParsedLine[]): boolean {
  const kept = new Set(lines.map(({text}) => withoutPrompts(text)))
  return [...readEveryLine(path, id)].some(
    (line) => line === 'damaged' || (line !== 'torn' && !kept.has(withoutPrompts(line.text))),
  )
}

function sameText(a: readonly ParsedLine[], b: readonly ParsedLine[]): boolean {
  return a.length === b.length && a.every(({text}, at) => text === b[at]?.text)
}
