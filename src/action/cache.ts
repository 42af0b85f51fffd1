import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {count} from '../face/count.ts'
import {type Runner, slug} from './runner.ts'
import {cacheScopes} from './runtime-token.ts'
import type {Packed} from './state-file.ts'
import {within} from './within.ts'

/** The one file that is kept. Its name is part of what an entry is found by. */
const NAME = 'ag-state.jsonl'
const PATIENCE_MS = 60_000
const TOO_LATE = `did not answer in ${PATIENCE_MS / 1000} s, or before the step was cancelled`

/** Where a job's state is kept, and where to look for what earlier ones kept. All end in a delimiter: `run/1/` is no prefix of `run/12/`. */
export interface StateKeys {
  readonly key: string
  /** The nearest first: this job on this branch, this job, any. */
  readonly restore: readonly string[]
}

/** Keys of the Actions cache. An entry can never be changed, so each step of each attempt of a run has one of its own. */
export function stateKeys({ref, job, jobId, run, attempt, step}: Runner, name: string, index: string): StateKeys {
  const all = `ag-state-v1/${slug(name)}/`
  const ours = `${all}${slug(job)}/${slug(index)}/`
  const branch = `${ours}${slug(ref)}/`
  return {
    key: `${branch}${run}/${attempt}/${slug(step)}/${jobId ? `${slug(jobId)}/` : ''}`,
    restore: [branch, ours, all],
  }
}

/** Where this step may put files, and when it is to stop. */
export interface Quarantine {
  /** Absolute. */
  readonly temp: string
  readonly signal: AbortSignal
}

/** What became of asking the cache for something: the words are for people. */
export interface CacheAnswer {
  readonly done: boolean
  readonly words: string
  /** The key of the entry that was restored. */
  readonly key?: string
  /** There may be an entry, and nobody could read it: the service did not deliver. */
  readonly unread?: boolean
}

/**
 * Restores the newest state that earlier steps kept, into a folder of its own, and gives the file to `use`. Never throws for the
 * service: without an answer there is no state, and the words say why.
 */
export async function restoreState(
  {temp, signal}: Quarantine,
  {key, restore}: StateKeys,
  use: (path: string) => Promise<string>,
): Promise<CacheAnswer> {
  const refusal = unavailable('read')
  if (refusal !== undefined) return {done: false, words: `Nothing was restored: ${refusal}`}
  const {restoreCache} = await import('@actions/cache')
  return inQuarantine(temp, async (folder) => {
    const asked = listening(() => within(PATIENCE_MS, signal, restoreCache([NAME], key, [...restore])))
    const {answer, complaint} = await asked
    if (answer === 'late') return {done: false, unread: true, words: `Nothing was restored: the cache ${TOO_LATE}.`}
    if (answer !== undefined)
      return {done: true, key: answer, words: `Restored ${answer}: ${await use(join(folder, NAME))}`}
    return {done: false, ...explain(complaint)}
  })
}

/** What the library means by nothing: that there is none, that it may not be read, that it is damaged, or that nobody knows. */
function explain(complaint: string | undefined): {words: string; unread?: boolean} {
  if (complaint === undefined) {
    return {words: 'Nothing was restored: no earlier run that this one may read has kept its state.'}
  }
  if (complaint.includes('cache read denied')) return {words: 'Nothing was restored: this run may not read the cache.'}
  // Of tar: https://github.com/actions/toolkit, packages/cache/src/internal/tar.ts.
  if (complaint.includes('failed with error')) return {words: 'Nothing was restored: what was kept is damaged.'}
  return {unread: true, words: 'Nothing was restored: the cache could not be read, as the line above says.'}
}

/** Hears what the library says of a failure: it returns the same for it as for an entry that is not there. */
async function listening<T>(work: () => Promise<T>): Promise<{answer: T; complaint: string | undefined}> {
  const {stdout} = process
  const write = stdout.write.bind(stdout)
  let complaint: string | undefined
  stdout.write = (chunk: string | Uint8Array, ...rest: never[]) => {
    complaint ??= /^::(?:warning|error)::(Failed to restore: .*)/m.exec(String(chunk))?.[1]
    return write(chunk, ...rest)
  }
  try {
    return {answer: await work(), complaint}
  } finally {
    stdout.write = write
  }
}

/** Keeps a state: `write` makes the file and says how many sessions it holds. Never throws for the service. */
export async function saveState(
  {temp, signal}: Quarantine,
  {key}: StateKeys,
  write: (path: string) => Promise<Packed>,
): Promise<CacheAnswer> {
  const refusal = unavailable('write')
  if (refusal !== undefined) return {done: false, words: `The state was not kept for later runs: ${refusal}`}
  const {saveCache} = await import('@actions/cache')
  return inQuarantine(temp, async (folder) => {
    const {sessions, left} = await write(join(folder, NAME))
    const saved = await within(PATIENCE_MS, signal, saveCache([NAME], key))
    if (saved === 'late') return {done: false, words: `The state was not kept: the cache ${TOO_LATE}.`}
    if (saved === -1) return {done: false, words: 'The state was not kept, as the lines above say.'}
    const more = left > 0 ? `, but not of ${left} older ones: it would be too large` : ''
    return {done: true, words: `Kept the histories of ${count(sessions, 'session')}${more} for later runs, as ${key}`}
  })
}

/** Why the cache need not be asked, if so. The library would try for ten seconds, or say nothing that helps. */
function unavailable(access: 'read' | 'write'): string | undefined {
  const {ACTIONS_RUNTIME_TOKEN: token, ACTIONS_CACHE_MODE: mode = '', ...env} = process.env
  const url = env['ACTIONS_CACHE_SERVICE_V2'] ? env['ACTIONS_RESULTS_URL'] : env['ACTIONS_CACHE_URL']
  if (!token || !url) return 'there is no Actions cache here.'
  const denied = access === 'read' ? ['none', 'write-only'] : ['none', 'read']
  if (denied.includes(mode)) return `the workflow says "cache-mode: ${mode}".`
  const scopes = cacheScopes(token)
  if (access === 'write' && scopes && !scopes.some(({write}) => write)) {
    return 'this run may only read the cache, as runs of this event may.'
  }
  return undefined
}

/**
 * The library takes paths relative to the workspace, and has `tar` unpack there what an archive holds: absolute names, `..` and
 * links are honoured, and the archive may be anybody's. So it is given an empty folder for a workspace, and `tar`, which
 * takes options from the environment, unpacks our file and nothing else. The variables are not set back: nobody else reads them. A library
 * that we gave up on may still be at work; it finds the folder gone.
 */
async function inQuarantine<T>(temp: string, work: (folder: string) => Promise<T>): Promise<T> {
  // The library does not quote the paths that it gives to tar.
  const base = /\s/.test(temp) ? tmpdir() : temp
  const folder = await mkdtemp(join(base, 'ag-cache-'))
  const before = process.cwd()
  // In another locale, bytes that are no characters of it would match no pattern.
  Object.assign(process.env, {GITHUB_WORKSPACE: folder, RUNNER_TEMP: base, TAR_OPTIONS: ONLY_OUR_FILE, LC_ALL: 'C'})
  try {
    process.chdir(folder)
    return await work(folder)
  } finally {
    process.chdir(before)
    await rm(folder, {recursive: true, force: true}).catch(() => {})
  }
}

/** Excludes every name but one: another letter at some place, an end before the end, or more after it. */
const ONLY_OUR_FILE = [
  '--anchored --wildcards --wildcards-match-slash',
  ...[...NAME].map((letter, at) => `--exclude=${NAME.slice(0, at)}[!${letter}]*`),
  ...[...NAME].slice(1).map((_, at) => `--exclude=${NAME.slice(0, at + 1)}`),
  `--exclude=${NAME}?*`,
].join(' ')
