import type * as z from 'zod/mini'
import type {ModelEntry, Readiness, ServerReport} from '../image-server.ts'
import {readBackends} from './backends.ts'
import {withoutEnding} from './catalogue.ts'
import {ifAllowed, isRefused} from './refusal.ts'
import type {Sampler} from './sample.ts'
import type {SwarmSession} from './swarm-session.ts'
import {readiness} from './usable.ts'
import {backendMap, modelList, statusBody} from './wire.ts'

/** ListModels with everything below the root; previews would make it megabytes (reference section 4.2). */
const ALL_MODELS = {
  path: '',
  depth: 20,
  subtype: 'Stable-Diffusion',
  sortBy: 'Name',
  allowRemote: true,
  sortReverse: false,
  dataImages: false,
} as const

const ANSWER_WITHIN_MS = 60_000

/** What the server says of itself: the time of its simplest answer, then a thorough sample beside the list of models. */
export async function readReport(
  session: SwarmSession,
  sampler: Sampler,
  monotonic: () => number,
  signal: AbortSignal,
): Promise<ServerReport> {
  const started = monotonic()
  await session.call('GetCurrentStatus', statusBody, {}, signal)
  const responseMs = monotonic() - started
  const [identity, sample, models] = await Promise.all([
    session.get(signal),
    sampler.sample({signal, answerWithin: ANSWER_WITHIN_MS, thorough: true}),
    ifAllowed(session.call('ListModels', modelList, ALL_MODELS, signal)),
  ])
  return {
    ...sample,
    version: identity.version,
    serverId: identity.server_id,
    userId: identity.user_id,
    permissions: identity.permissions,
    responseMs,
    ...(isRefused(models) ? {} : {models: countModels(models)}),
  }
}

/** As `readReport` judges it, with one call where the summary word says enough. */
export async function readReadiness(session: SwarmSession, signal: AbortSignal): Promise<Readiness> {
  const {backend_status: summary} = await session.call('GetCurrentStatus', statusBody, {}, signal)
  if (summary.status !== 'errored') return readiness(summary.status, undefined)
  const backends = await ifAllowed(session.call('ListBackends', backendMap, {nonreal: true}, signal))
  return readiness(summary.status, isRefused(backends) ? undefined : readBackends(backends))
}

/** The models that the server lists, by the names that parameters use. */
export async function readModels(session: SwarmSession, signal: AbortSignal): Promise<readonly ModelEntry[]> {
  const {files} = await session.call('ListModels', modelList, ALL_MODELS, signal)
  return files.map(({name, title, loaded, hash}) => ({
    name: withoutEnding(name),
    title: title ?? '',
    loaded,
    ...(hash ? {hash} : {}),
  }))
}

function countModels({files}: z.output<typeof modelList>): {available: number; loaded: number} {
  return {available: files.length, loaded: files.filter(({loaded}) => loaded).length}
}
