import {adoptEarlier} from './adopt-earlier.ts'
import type {Asset} from './asset/asset.ts'
import type {Context} from './context.ts'
import {madeElsewhere} from './elsewhere.ts'
import {AgError, CancelledError, NoBackendError, NotIdleError, UnreachableError} from './errors.ts'
import {fromWorkspace} from './fetch-picture.ts'
import {type GenerateResult, isCompleted, resultOf} from './generate-result.ts'
import {type AssetOutcome, makePicture, RunStoppedError} from './make-picture.ts'
import {beginMaking} from './making.ts'
import {Meanwhile} from './meanwhile.ts'
import {beginSession} from './picture-session.ts'
import {preflight, refuseUnwritable} from './preflight.ts'
import {
  askAboutEarlier,
  type EarlierWork,
  type Kept,
  planResumption,
  type ResumeMode,
  type Resumption,
} from './resume.ts'
import type {OwnedSession} from './store/session-store.ts'
import {type WaitOptions, waitIdle} from './wait-idle.ts'

export interface GenerateOptions {
  /** Names the run: in session ids, on the server, in the pictures' metadata. Letters, digits, `-` and `_`. */
  readonly run: string
  /** What to do with what earlier runs left. */
  readonly resume: ResumeMode
  readonly assets: readonly Asset[]
  /** Absolute. Nothing is written outside of it. */
  readonly outputDirectory: string
  /** Absolute; where the histories are, and what their paths are relative to. */
  readonly workspace: string
  /** Keep a snapshot of each session beside its picture: for pictures that no manifest declares. */
  readonly snapshots?: boolean
  /** How many pictures are asked for at once. */
  readonly concurrency: number
  /** Start nothing more after the first failure. */
  readonly failFast: boolean
  /** How often a transient failure is tried again. */
  readonly retries: number
  /** Milliseconds before the first retry. Default 1000. */
  readonly retryDelayMs?: number
  /** Replace files that are not known to be ours. */
  readonly overwrite: boolean
  readonly allowFuzzyModel: boolean
  /** Wait for the server to be idle before the first picture. */
  readonly gate?: WaitOptions
}

/**
 * Makes the pictures of all assets, some at a time. Everything that can be known to fail is refused before the first
 * request is sent; after that one failing asset does not stop the others, and the result tells of each.
 *
 * Throws `UsageError`, `StorageError`, `NoBackendError`, `UnreachableError` or `DeniedError` while nothing has been attempted.
 */
export async function generate(context: Context, options: GenerateOptions): Promise<GenerateResult> {
  const {clock, report, server, signal} = context
  const started = clock.monotonic()
  const {assets, resumption, work: earlier} = await prepare(context, options)
  const {run, kept, elsewhere} = resumption
  const {concurrency} = options
  const outcomes = new Map<string, AssetOutcome>(
    assets.flatMap((asset) => {
      const known = kept.get(asset.id)
      if (!known) return []
      // Where it was found, which need not be where it was when it was made: another manifest may have had it made.
      const path = fromWorkspace(options.workspace, asset.pathFor(asset.expectedFormat))
      return [[asset.id, keptOutcome(asset, {...known, picture: {...known.picture, path}})] as const]
    }),
  )
  const todo = assets.filter(({id}) => !outcomes.has(id))
  await refuseUnwritable(todo)
  const unrecorded = [...resumption.why.values()].filter((why) => why === 'unrecorded').length
  if (unrecorded > 0) {
    const message = `No history says how ${unrecorded} of the pictures that are there were made: they are made again.`
    report({event: 'notice', message})
  }
  report({event: 'run.started', run, server: server.address, total: todo.length, kept: kept.size, concurrency})
  await context.sessions.runs.withdrawCancel(run)

  const {workspace, outputDirectory, retries, retryDelayMs = 1000, snapshots = false} = options
  const {total, sessionIds, recorded, settled} = resumption
  const shared = {workspace, outputDirectory, snapshots, retries, retryDelayMs}
  const making = await beginMaking(context, {run, total, sessionIds, recorded, ...shared})
  const meanwhile = options.resume === 'never' ? undefined : new Meanwhile(context, {workspace, run, settled})
  const left: Asset[] = []
  const leave = (asset: Asset, live: OwnedSession): AssetOutcome => {
    left.push(asset)
    return madeElsewhere(context, asset, live)
  }
  let stopped: AgError | undefined
  let unforeseen: unknown
  let failedFast = false
  const queue = todo.values()
  const wasCancelled = async (): Promise<boolean> => (await context.sessions.runs.cancelRequests(run)).wholeRun
  const obtain = async (asset: Asset): Promise<AssetOutcome> => {
    const live = elsewhere.get(asset.id)
    if (live) return leave(asset, live)
    const sessions = resumption.earlier.get(asset.id) ?? []
    const adopted = await adoptEarlier(context, making, asset, {sessions, work: earlier})
    if (adopted) return adopted
    const begun = await context.sessions.exclusively(
      async () => (await meanwhile?.lookFor(asset)) ?? beginSession(context, making, asset),
    )
    if ('append' in begun) return makePicture(context, making, asset, begun)
    if ('kept' in begun) return keptMeanwhile(context, asset, begun.kept)
    return leave(asset, begun.live)
  }
  const work = async (): Promise<void> => {
    for (const asset of queue) {
      if (signal.aborted || stopped || failedFast || unforeseen !== undefined) return
      if (await wasCancelled()) return
      try {
        const outcome = await obtain(asset)
        outcomes.set(asset.id, outcome)
        // One that another process makes is pending, and has not failed.
        failedFast ||= options.failFast && outcome.state !== 'completed' && outcome.state !== 'pending'
      } catch (error) {
        if (error instanceof RunStoppedError) outcomes.set(asset.id, error.outcome)
        if (error instanceof RunStoppedError) stopped ??= error.cause
        else if (error instanceof AgError) stopped ??= error
        else unforeseen ??= error
        if (unforeseen !== undefined) return
      }
    }
  }
  await Promise.all(Array.from({length: Math.min(concurrency, todo.length)}, work))
  // Only now: what the others had on its way is in its history.
  if (unforeseen !== undefined) throw unforeseen
  for (const asset of left) {
    const now = await meanwhile?.lookFor(asset)
    if (now && 'kept' in now) outcomes.set(asset.id, keptMeanwhile(context, asset, now.kept))
  }
  const cancelled = await wasCancelled()
  await context.sessions.runs.forget(run)

  const all = assets.map(({id}): AssetOutcome => {
    const why = resumption.why.get(id)
    const outcome = outcomes.get(id) ?? {asset: id, state: 'pending'}
    return {...outcome, ...(why && outcome.source !== 'kept' ? {why} : {})}
  })
  if (cancelled && !all.every(isCompleted)) stopped ??= new CancelledError()
  const early = signal.aborted ? (signal.reason as AgError) : stopped
  const duration_seconds = Math.round(clock.monotonic() - started) / 1000
  const result = resultOf(all, {
    run,
    server: server.address,
    outputDirectory,
    duration_seconds,
    ...(early ? {early} : {}),
  })
  const {made, adopted, kept: there, failed, pending} = result
  report({event: 'run.finished', run, made, adopted, kept: there, failed, pending, duration_seconds})
  return result
}

interface Prepared {
  readonly assets: readonly Asset[]
  readonly resumption: Resumption
  readonly work: EarlierWork
}

/**
 * The assets, checked, and what earlier runs left of them, once the gate is open. They are checked before the wait, so that a
 * wrong name does not cost half an hour; with a server that is not there yet, after it. With nothing to make nobody waits.
 */
async function prepare(context: Context, options: GenerateOptions): Promise<Prepared> {
  const {gate, run, resume: mode} = options
  const early = await preflight(context, options).catch((error: unknown) => {
    if (gate && (error instanceof UnreachableError || error instanceof NoBackendError)) return undefined
    throw error
  })
  const plan = (assets: readonly Asset[]): Promise<Resumption> => planResumption(context, {assets, run, mode})
  let resumption = early && (await plan(early))
  if (gate && resumption?.kept.size !== options.assets.length) {
    const {exit_code, error} = await waitIdle({...context, servers: [context.server]}, gate)
    if (error) throw new NotIdleError(error.message, exit_code, error.next)
    // Others may have made some of them meanwhile.
    resumption = undefined
  }
  const assets = early ?? (await preflight(context, options))
  resumption ??= await plan(assets)
  return {assets, resumption, work: await askAboutEarlier(context, resumption)}
}

function keptOutcome(asset: Asset, {session, picture}: Kept): AssetOutcome {
  const {seed, model} = session.result ?? {}
  const used = {...(seed === undefined ? {} : {seed}), ...(model === undefined ? {} : {model})}
  return {asset: asset.id, session: session.id, state: 'completed', source: 'kept', picture, ...used}
}

function keptMeanwhile({report}: Context, asset: Asset, kept: Kept): AssetOutcome {
  report({event: 'notice', message: `${asset.id} was made by another process meanwhile.`})
  return keptOutcome(asset, kept)
}
