import {createWriteStream, existsSync} from 'node:fs'
import {realpath, stat} from 'node:fs/promises'
import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {systemClock} from '../clock.ts'
import {storageError, systemCode, UsageError} from '../errors.ts'
import type {StateSettings} from '../face/settings.ts'
import {openHistories, workspaceOf} from '../face/workspace.ts'
import {exportHistory} from '../history/export.ts'
import type {HistoryQuery} from '../history/list.ts'
import {type MergeResult, mergeHistory} from '../history/merge.ts'
import {replaceFile} from '../replace-file.ts'
import {isSettled} from '../session/history-line.ts'
import {linesOf} from '../store/export-file.ts'
import type {SessionStore} from '../store/session-store.ts'

/** What a command does with the histories of a workspace; there is no server in it. */
export interface HistoryContext {
  readonly sessions: SessionStore
  readonly clock: typeof systemClock
  readonly signal: AbortSignal
  /** Absolute. */
  readonly workspace: string
}

/**
 * Opens the workspace that the flags name for one command about its histories. Without a signal of the command's own, the system ends it
 * at SIGINT, wherever it is: a read from a pipe hears nothing else.
 */
export async function withHistory<T>(
  flags: StateSettings,
  {readOnly, signal = new AbortController().signal}: {readonly readOnly: boolean; readonly signal?: AbortSignal},
  work: (context: HistoryContext) => Promise<T>,
): Promise<T> {
  const {stateDir: workspace} = workspaceOf(flags)
  if (!existsSync(workspace)) {
    throw new UsageError(`There is no folder ${workspace}.`, {
      next: 'Name the workspace with --state-dir (AG_STATE_DIR).',
    })
  }
  const sessions = openHistories(flags, {command: 'ag history', readOnly})
  try {
    return await work({sessions, clock: systemClock, signal, workspace})
  } finally {
    await sessions.close()
  }
}

/** Writes an export to a file, whole or not at all, or to stdout. Returns how many lines it has. */
export async function writeExport(
  context: HistoryContext,
  query: HistoryQuery,
  {path, redactPrompts}: {readonly path: string | undefined; readonly redactPrompts: boolean},
): Promise<number> {
  let lines = 0
  async function* counted(): AsyncGenerator<string> {
    for await (const line of exportHistory(context, query, {redactPrompts})) {
      context.signal.throwIfAborted()
      lines++
      yield `${line}\n`
    }
  }
  if (path === undefined) {
    await pipeline(Readable.from(counted()), process.stdout, {end: false, signal: context.signal}).catch(
      (error: unknown) => {
        context.signal.throwIfAborted()
        // Whoever reads has read enough: `ag history export | head`.
        if (systemCode(error) !== 'EPIPE') throw storageError('the output', error)
      },
    )
    return lines
  }
  try {
    await writeNamed(path, counted())
  } catch (error) {
    context.signal.throwIfAborted()
    throw storageError(path, error)
  }
  return lines
}

/** A file in one step, also behind a link; what is no file (a pipe, a device) is written to as it is. */
async function writeNamed(path: string, content: AsyncIterable<string>): Promise<void> {
  const facts = await stat(path).catch(() => undefined)
  if (!facts) await replaceFile(path, content)
  else if (facts.isFile() || facts.isDirectory()) await replaceFile(await realpath(path), content)
  else await pipeline(Readable.from(content), createWriteStream(path))
}

/** Merges files and folders of histories; `-` is stdin. */
export function mergeFrom(context: HistoryContext, paths: readonly string[]): Promise<MergeResult> {
  function* lines(): Generator<string | undefined> {
    for (const path of paths) yield* linesOf(path)
  }
  return mergeHistory(context, lines())
}

/** What to say of a session that nobody goes on with; `undefined` where somebody does, or it is over. */
export async function orphanHint(sessions: SessionStore, id: string): Promise<string | undefined> {
  const session = await sessions.get(id)
  if (!session || isSettled(session)) return undefined
  const {ownerStanding} = session
  if (ownerStanding === 'dead') return 'Its process is gone. What became of it tells: ag recover'
  if (ownerStanding === 'foreign') return 'It was begun on another machine. What became of it tells: ag recover'
  return undefined
}
