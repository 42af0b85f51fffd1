import type * as z from 'zod/mini'
import type {Backend, Readiness, ServerReport} from '../image-server.ts'
import {ApiError} from './answer.ts'
import type {SwarmSession} from './swarm-session.ts'
import {readiness} from './usable.ts'
import {backendEntry, backendMap, modelList, statusBody, toActivity} from './wire.ts'

/** ListModels with everything below the root; previews would make it megabytes (reference section 4.2). */
export const ALL_MODELS = {
  path: '',
  depth: 20,
  subtype: 'Stable-Diffusion',
  sortBy: 'Name',
  allowRemote: true,
  sortReverse: false,
  dataImages: false,
} as const

/**
 * What the server says of itself, asked in one round of parallel calls. Activity of all users is GetGlobalStatus and
 * nothing else: the counters of our own session are all 0 while the server works for another (recording 05), and a
 * backend that is `running` is merely up.
 */
export async function readReport(
  session: SwarmSession,
  monotonic: () => number,
  signal: AbortSignal,
): Promise<ServerReport> {
  const started = monotonic()
  const own = await session.call('GetCurrentStatus', statusBody, {}, signal)
  const responseMs = monotonic() - started
  const [identity, global, backends, models] = await Promise.all([
    session.get(signal),
    ifAllowed(session.call('GetGlobalStatus', statusBody, {}, signal)),
    ifAllowed(session.call('ListBackends', backendMap, {nonreal: false, full_data: true}, signal)),
    ifAllowed(session.call('ListModels', modelList, ALL_MODELS, signal)),
  ])
  const {status, message, any_loading: loading} = own.backend_status
  const list = backends.refused ? undefined : readBackends(backends.answer)
  return {
    version: identity.version,
    serverId: identity.server_id,
    userId: identity.user_id,
    permissions: identity.permissions,
    responseMs,
    backendStatus: {status, message, loading},
    ...(global.refused
      ? {activityUnknown: whyUnknown(global.refused, identity.version)}
      : {activity: toActivity(global.answer.status)}),
    readiness: readiness({status, message}, list),
    ...(list ? {backends: list} : {}),
    ...(models.refused ? {} : {models: countModels(models.answer)}),
  }
}

/** As `readReport` judges it, with one call where the summary word says enough. */
export async function readReadiness(session: SwarmSession, signal: AbortSignal): Promise<Readiness> {
  const {backend_status: summary} = await session.call('GetCurrentStatus', statusBody, {}, signal)
  if (summary.status !== 'errored') return readiness(summary, undefined)
  const backends = await ifAllowed(session.call('ListBackends', backendMap, {}, signal))
  return readiness(summary, backends.refused ? undefined : readBackends(backends.answer))
}

/** The real backends of a ListBackends answer, whose root is a map by id that may hold other keys, too. */
export function readBackends(answer: Readonly<Record<string, unknown>>): readonly Backend[] {
  return Object.entries(answer)
    .filter(([id]) => /^\d+$/.test(id))
    .flatMap(([id, entry]) => {
      const {data} = backendEntry.safeParse(entry)
      if (!data) return []
      const {type, status, enabled, title, current_model: model} = data
      return [{id, type, status, enabled, title: title ?? '', ...(model ? {model} : {})}]
    })
    .sort((a, b) => Number(a.id) - Number(b.id))
}

function countModels({files}: z.output<typeof modelList>): {available: number; loaded: number} {
  return {available: files.length, loaded: files.filter(({loaded}) => loaded).length}
}

type Allowed<T> = {readonly answer: T; readonly refused?: undefined} | {readonly refused: ApiError}

async function ifAllowed<T>(call: Promise<T>): Promise<Allowed<T>> {
  try {
    return {answer: await call}
  } catch (error) {
    if (error instanceof ApiError) return {refused: error}
    throw error
  }
}

function whyUnknown(refused: ApiError, version: string): string {
  if (refused.errorId === 'bad_permissions') {
    return 'this user lacks the permission read_server_info_panels'
  }
  if (refused.errorId === 'bad_route') {
    return `SwarmUI ${version || 'of this version'} cannot tell (it takes 0.9.8 or newer)`
  }
  return refused.message
}
