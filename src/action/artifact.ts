import {mkdtemp, rm, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {messageOf} from '../ending.ts'
import {count} from '../face/count.ts'
import {exportSession} from '../history/export.ts'
import {redactJson} from '../secrets.ts'
import type {SessionStore} from '../store/session-store.ts'
import {type Before, isNewSince} from './before.ts'
import {fingerprint, type Runner, slug} from './runner.ts'
import {within} from './within.ts'

const PATIENCE_MS = 60_000
/** Whoever is slower than this (1.5 GB in four hours) is taken not to answer. */
const SLOWEST_BYTES_PER_MS = 100

/** What became of an upload: the words are for people. */
export interface UploadAnswer {
  readonly words: string
  readonly name?: string
  readonly url?: string
  /** It was tried, and went wrong. */
  readonly failed?: boolean
}

/** Names of artifacts hold for all attempts, jobs and steps of a run, and can be given once. */
export function artifactName(
  what: string,
  {run, attempt, job, jobId, step}: Runner,
  name: string,
  index: string,
): string {
  // Jobs of a workflow that is called twice in a run have the same names.
  const own = jobId ? [fingerprint(jobId)] : []
  return ['ag', what, slug(name), run, attempt, slug(job), slug(index), ...own, ...stepPart(step)].join('-')
}

/** The step's id; of one without, which the runner calls `__owner_name`, `__owner_name_2`, only its number. */
function stepPart(step: string): string[] {
  if (!step.startsWith('__')) return [slug(step)]
  const [, number] = /_(\d+)$/.exec(step) ?? []
  return number === undefined ? [] : [number]
}

interface HistoryUpload {
  readonly signal: AbortSignal
  readonly sessions: SessionStore
  readonly name: string
  /** Only sessions with lines since then. */
  readonly before: Before
  readonly redactPrompts: boolean
  /** 0 for what the repository says. */
  readonly retentionDays: number
}

/** Uploads the histories that have been written to since a time, one file a session, as a workspace's `.ag/sessions` holds them. */
export async function uploadHistory(runner: Runner, options: HistoryUpload): Promise<UploadAnswer> {
  const {signal, sessions, name, before, redactPrompts, retentionDays} = options
  const touched = (await sessions.list({active: false})).filter((session) => isNewSince(before, session))
  if (touched.length === 0) return {words: 'No session was written to: there is no history to upload.'}
  const root = await mkdtemp(join(runner.temp, 'ag-history-'))
  try {
    const files: string[] = []
    for (const {id} of touched) {
      const file = join(root, `${id}.jsonl`)
      let content = ''
      for await (const {text} of exportSession(sessions, id, {redactPrompts})) content += `${redactJson(text)}\n`
      await writeFile(file, content)
      files.push(file)
    }
    const what = `the histories of ${count(files.length, 'session')}${redactPrompts ? ' without their prompts' : ''}`
    return await send(runner, {signal, what, name, files, root, retentionDays, compressionLevel: 6})
  } finally {
    await rm(root, {recursive: true, force: true}).catch(() => {})
  }
}

/** Uploads pictures, absolute paths below `root`, under the names they have there. */
export async function uploadPictures(
  runner: Runner,
  pictures: {
    readonly signal: AbortSignal
    readonly name: string
    readonly root: string
    readonly files: readonly string[]
    readonly retentionDays: number
  },
): Promise<UploadAnswer> {
  if (pictures.files.length === 0) return {words: 'There are no pictures to upload.'}
  const what = count(pictures.files.length, 'picture')
  // Pictures are compressed already.
  return send(runner, {...pictures, what, compressionLevel: 0})
}

interface Upload {
  readonly signal: AbortSignal
  /** For people. */
  readonly what: string
  readonly name: string
  readonly files: readonly string[]
  readonly root: string
  readonly retentionDays: number
  readonly compressionLevel: number
}

/** Never throws for the service: what was not uploaded is said, and is still in the workspace. */
async function send(
  runner: Runner,
  {signal, what, name, files, root, retentionDays, compressionLevel}: Upload,
): Promise<UploadAnswer> {
  const {ACTIONS_RUNTIME_TOKEN: token, ACTIONS_RESULTS_URL: url} = process.env
  if (!token || !url)
    return {words: `Did not upload ${what}: there is no artifact service here. It is all in the workspace.`}
  const {DefaultArtifactClient} = await import('@actions/artifact')
  try {
    const options = {compressionLevel, ...(retentionDays > 0 ? {retentionDays} : {})}
    const patienceMs = PATIENCE_MS + (await sizeOf(files)) / SLOWEST_BYTES_PER_MS
    const answer = await within(
      patienceMs,
      signal,
      new DefaultArtifactClient().uploadArtifact(name, [...files], root, options),
    )
    if (answer === 'late')
      return {
        failed: true,
        words: `Did not upload ${what}: the service did not answer in ${Math.round(patienceMs / 1000)} s, or before the step was cancelled.`,
      }
    const page = `${runner.server}/${runner.repository}/actions/runs/${runner.run}/artifacts/${answer.id}`
    return {name, url: page, words: `Uploaded ${what} as ${name}: ${page}`}
  } catch (error) {
    return {failed: true, words: `Did not upload ${what}: ${messageOf(error)}`}
  }
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
