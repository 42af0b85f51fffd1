import type {Context} from './context.ts'
import {formatDuration} from './duration.ts'
import {AgError, ExitCode} from './errors.ts'
import {type Evidence, type Idleness, judgeServer} from './idleness/verdict.ts'
import type {ServerReport} from './server/image-server.ts'
import {isOrphan} from './session/owner.ts'
import {staleness} from './session/staleness.ts'
import type {Attendant, OwnedSession} from './store/session-store.ts'
import {foreignLine} from './text.ts'

/** One generation that is not settled, as `status` shows it. The first five fields are the format of seed 000. */
export interface ActiveGeneration {
  readonly session_id: string
  readonly status: string
  /** 0..1 */
  readonly progress: number
  readonly start_time: string
  readonly duration: string
  readonly asset: string
  readonly run: string
  /** The process that makes it. `dead` and `foreign` ones wait for `recover`. */
  readonly owner: OwnedSession['ownerStanding']
  readonly updated_at: string
  /** `stale` after 5 minutes without news, `very_stale` after 15; a label, not a verdict. */
  readonly staleness: 'fresh' | 'stale' | 'very_stale'
}

/** What `status --json` prints. Fields of seeds 000 and 001 keep their names; `schemaVersion` counts the others. */
export interface StatusResult {
  readonly schemaVersion: 1
  readonly server_url: string
  readonly status: 'online' | 'offline' | 'denied'
  readonly response_time: string
  readonly version: string
  readonly error?: {readonly message: string; readonly next?: string}
  /** SwarmUI's words: `running` means up and ready, `idle` means unreachable. Absent where this user may not see them. */
  readonly backends?: readonly {
    readonly id: string
    readonly type: string
    readonly status: string
    readonly title?: string
    readonly model_loaded?: string
  }[]
  /** Whether the server could make a picture now. */
  readonly usable: boolean | 'unknown'
  readonly usable_note?: string
  /** `null` where unknown. */
  readonly models_count: number | null
  readonly models_loaded: number | null
  /** What all users of the server together have it do: the verdict of `wait-idle`, for this one look. */
  readonly server_activity: {
    readonly state: Idleness
    readonly reason: string
    readonly evidence: readonly Evidence[]
    /** The server's counters of all users' work, where it tells them. */
    readonly waiting_gens?: number
    readonly loading_models?: number
    readonly waiting_backends?: number
    readonly live_gens?: number
  }
  /** Generations of this workspace whose process is alive. */
  readonly active_generations: readonly ActiveGeneration[]
  /** Generations of this workspace whose process is gone; `recover` brings them to an end. */
  readonly orphaned_generations: readonly ActiveGeneration[]
  /** Runs of this workspace whose process is there, and has no generation of it at the moment: it waits for its turn. */
  readonly waiting_runs: readonly string[]
  /** Ours that are alive, or what the server counts for all users where that is more. */
  readonly generations_running: number
  readonly generations_running_source: 'workspace' | 'server' | 'workspace, server unknown'
  readonly exit_code: ExitCode
}

/**
 * What the server and this workspace are doing. Activity comes from the server's counters and from our histories, never
 * from a backend that is `running`, which only means up. An unreachable server is a result, too, with exit code 3.
 */
export async function status(context: Context): Promise<StatusResult> {
  const [server, sessions, attendants] = await Promise.all([
    ask(context),
    context.sessions.list({active: true}),
    context.sessions.runs.attendants(),
  ])
  const now = context.clock.now()
  const ours = sessions.filter((session) => !isOrphan(session))
  const active = ours.map((session) => toGeneration(session, now))
  const counted = server.report?.activity?.waitingGens
  return {
    schemaVersion: 1,
    server_url: context.server.address,
    ...describeServer(server),
    active_generations: active,
    orphaned_generations: sessions.filter(isOrphan).map((session) => toGeneration(session, now)),
    waiting_runs: waitingRuns(attendants, ours),
    generations_running: Math.max(active.length, counted ?? 0),
    generations_running_source:
      counted === undefined ? 'workspace, server unknown' : counted > active.length ? 'server' : 'workspace',
    exit_code: server.error?.exitCode ?? ExitCode.done,
  }
}

type Answer =
  | {readonly report: ServerReport; readonly error?: undefined}
  | {readonly report?: undefined; readonly error: AgError}

async function ask({server, signal}: Context): Promise<Answer> {
  try {
    return {report: await server.report(signal)}
  } catch (error) {
    if (!(error instanceof AgError) || signal.aborted) throw error
    return {error}
  }
}

type ServerPart = Pick<
  StatusResult,
  | 'status'
  | 'response_time'
  | 'version'
  | 'error'
  | 'backends'
  | 'usable'
  | 'usable_note'
  | 'models_count'
  | 'models_loaded'
  | 'server_activity'
>

function describeServer({report, error}: Answer): ServerPart {
  if (!report) {
    const {message, next} = error
    return {
      status: error.exitCode === ExitCode.denied ? 'denied' : 'offline',
      response_time: '',
      version: '',
      error: {message, ...(next ? {next} : {})},
      usable: 'unknown',
      models_count: null,
      models_loaded: null,
      server_activity: {
        state: 'unknown',
        reason: error.exitCode === ExitCode.denied ? 'the server denies the answer' : 'the server did not answer',
        evidence: [],
      },
    }
  }
  const {usable, note} = report.readiness
  return {
    status: 'online',
    response_time: `${Math.round(report.responseMs)}ms`,
    version: foreignLine(report.version, 60),
    ...(report.backends ? {backends: report.backends.map(toBackend)} : {}),
    usable,
    ...(note ? {usable_note: note} : {}),
    models_count: report.models?.available ?? null,
    models_loaded: report.models?.loaded ?? null,
    server_activity: toActivity(report),
  }
}

function toBackend({id, type, status, title, model}: NonNullable<ServerReport['backends']>[number]) {
  return {
    id,
    type: foreignLine(type, 60),
    status: foreignLine(status, 60),
    ...(title ? {title: foreignLine(title, 60)} : {}),
    ...(model ? {model_loaded: foreignLine(model, 120)} : {}),
  }
}

function toActivity(report: ServerReport): StatusResult['server_activity'] {
  const {idleness, reason, evidence} = judgeServer(report)
  const {activity} = report
  return {
    state: idleness,
    reason,
    evidence,
    ...(activity
      ? {
          waiting_gens: activity.waitingGens,
          loading_models: activity.loadingModels,
          waiting_backends: activity.waitingBackends,
          live_gens: activity.liveGens,
        }
      : {}),
  }
}

/** The runs of processes that have no session of it. */
function waitingRuns(attendants: readonly Attendant[], sessions: readonly OwnedSession[]): readonly string[] {
  const waiting = attendants.filter(({token, run}) => !sessions.some((one) => one.owner === token && one.run === run))
  return [...new Set(waiting.map(({run}) => run))].sort()
}

function toGeneration(session: OwnedSession, now: number): ActiveGeneration {
  return {
    session_id: session.id,
    status: session.state,
    progress: session.progress,
    start_time: session.startedAt,
    duration: formatDuration(now - Date.parse(session.startedAt)),
    asset: foreignLine(session.asset, 100),
    run: foreignLine(session.run, 100),
    owner: session.ownerStanding,
    updated_at: session.updatedAt,
    staleness: staleness(now - Date.parse(session.updatedAt)),
  }
}
