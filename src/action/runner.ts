import {createHash} from 'node:crypto'
import {readFileSync, realpathSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {resolve} from 'node:path'
import * as z from 'zod/mini'
import {jobBackendId} from './runtime-token.ts'

/** What the runner tells a step of where and why it runs (documentation of GitHub Actions, "Variables"). */
export interface Runner {
  /** Absolute; where the repository is checked out. */
  readonly workspace: string
  /** Absolute; emptied before each job. */
  readonly temp: string
  /** `https://github.com` or a server of one's own. */
  readonly server: string
  /** `owner/name`. */
  readonly repository: string
  readonly ref: string
  readonly run: string
  readonly attempt: string
  readonly job: string
  /** Tells jobs of the same name apart, as a workflow that is called twice in a run has them; empty where that is not known. */
  readonly jobId: string
  /** The step's id, unique in its job: `__owner_name` or `__owner_name_2` where the workflow gives none. */
  readonly step: string
  readonly event: string
  /** Everybody can read what this repository keeps. True where that is not known. */
  readonly isPublic: boolean
  /** The run was started by one of another repository: a fork's. */
  readonly isForksRun: boolean
}

const repository = z.object({id: z.number()})
const payloadSchema = z.object({
  repository: z.optional(z.extend(repository, {private: z.optional(z.boolean())})),
  workflow_run: z.optional(z.object({head_repository: z.nullish(repository)})),
})

/** Reads the runner's variables and the event's payload. What is missing gets the name that it would have on a machine of one's own. */
export function readRunner(env: NodeJS.ProcessEnv): Runner {
  const payload = readPayload(env['GITHUB_EVENT_PATH'])
  const {repository: ours, workflow_run: parent} = payload
  return {
    workspace: realPath(env['GITHUB_WORKSPACE'] ?? '.'),
    temp: resolve(env['RUNNER_TEMP'] ?? tmpdir()),
    server: env['GITHUB_SERVER_URL'] ?? 'https://github.com',
    repository: env['GITHUB_REPOSITORY'] ?? '',
    ref: env['GITHUB_REF'] ?? '',
    run: env['GITHUB_RUN_ID'] ?? '0',
    attempt: env['GITHUB_RUN_ATTEMPT'] ?? '1',
    job: env['GITHUB_JOB'] ?? 'local',
    jobId: jobBackendId(env['ACTIONS_RUNTIME_TOKEN']),
    step: env['GITHUB_ACTION'] ?? 'ag',
    event: env['GITHUB_EVENT_NAME'] ?? '',
    isPublic: ours?.private !== true,
    // An event that cannot be read may be anybody's.
    isForksRun:
      (parent !== undefined || env['GITHUB_EVENT_NAME'] === 'workflow_run') &&
      (ours === undefined || parent?.head_repository?.id !== ours.id),
  }
}

/**
 * A text as part of a key or a name: letters, digits, `.`, `_` and `-`. Two texts that would come out the same, or are cut, are
 * told apart by a few letters of their hash.
 */
export function slug(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 60)
  return plain === text ? plain : `${plain}-${fingerprint(text)}`
}

/** A few letters that tell a text from others. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** Processes are told the real path of where they are, whatever links lead there. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

function readPayload(path: string | undefined): z.output<typeof payloadSchema> {
  try {
    return payloadSchema.parse(JSON.parse(readFileSync(path ?? '', 'utf8')))
  } catch {
    return {}
  }
}
