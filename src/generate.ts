import type {Asset} from './asset/asset.ts'
import {assetKey} from './asset/key.ts'
import {stoppedByCancel} from './cancellation/request.ts'
import type {Context} from './context.ts'
import {type AgError, CancelledError, NoBackendError, NotIdleError, UnreachableError} from './errors.ts'
import {fromWorkspace} from './fetch-picture.ts'
import {askAboutEarlier} from './generation/earlier-work.ts'
import {type GenerateResult, resultOf} from './generation/generate-result.ts'
import {type MadeAll, makeAll} from './generation/make-all.ts'
import {beginMaking} from './generation/making.ts'
import {type AssetOutcome, isKept, type Kept, keptOutcome} from './generation/outcome.ts'
import {preflight, refuseUnwritable} from './generation/preflight.ts'
import {placeFor, planResumption, type ResumeMode, type Resumption} from './generation/resume.ts'
import {isSettled} from './session/history-line.ts'
import {isOrphan} from './session/owner.ts'
import type {Attendance} from './store/session-store.ts'
import {tidyWorkspace} from './tidy-workspace.ts'
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
  /** Under which the run is made, and may be asked to stop; without it, it has one of its own. */
  readonly attendance?: Attendance
}

/**
 * Makes the pictures of all assets, some at a time. Everything that can be known to fail is refused before the first
 * request is sent; after that one failing asset does not stop the others, and the result tells of each.
 *
 * Throws `UsageError`, `StorageError`, `NoBackendError`, `UnreachableError`, `DeniedError`, or `CancelledError` for a run that was
 * cancelled at its gate, while nothing has been attempted.
 */
export async function generate(context: Context, options: GenerateOptions): Promise<GenerateResult> {
  const {sessions, server, clock} = context
  const started = clock.monotonic()
  const early = await planEarly(context, options)
  // With nothing to make nobody waits, and nothing is written.
  if (early && todoOf(early).length === 0) {
    tellStart(context, options, early)
    return conclude(context, options, early, {outcomes: new Map(), stopped: undefined}, started)
  }
  if (options.attendance) return generateAttended(context, options, early, options.attendance, started)
  await using attendance = await sessions.runs.join(early?.resumption.run ?? options.run, server.address)
  return await generateAttended(context, options, early, attendance, started)
}

async function generateAttended(
  context: Context,
  options: GenerateOptions,
  early: Plan | undefined,
  attendance: Attendance,
  started: number,
): Promise<GenerateResult> {
  const plan = await pastTheGate(context, options, early, attendance)
  // What is gone on with may be another run by now.
  if (plan.resumption.run !== attendance.run) await attendance.rename(plan.resumption.run)
  const made = await make(context, options, plan, attendance)
  return conclude(context, options, plan, made, started)
}

async function make(
  context: Context,
  options: GenerateOptions,
  plan: Plan,
  attendance: Attendance,
): Promise<Pick<MadeAll, 'outcomes' | 'stopped'>> {
  const {assets, resumption} = plan
  const {total, sessionIds, recorded} = resumption
  const {concurrency, failFast, workspace, outputDirectory, retries, retryDelayMs = 1000, snapshots = false} = options
  const todo = todoOf(plan)
  await refuseUnwritable(todo)
  const work = await askAboutEarlier(context, resumption)
  tellStart(context, options, plan)
  const places = new Map(assets.map(({id, expectedFormat, pathFor}) => [pathFor(expectedFormat).toLowerCase(), id]))
  const shared = {workspace, outputDirectory, snapshots, retries, retryDelayMs, overwrite: options.overwrite, places}
  const making = await beginMaking(context, {attendance, total, sessionIds, recorded, ...shared})
  const regardless = options.resume === 'never'
  const {outcomes, stopped} = await makeAll(context, todo, {
    making,
    resumption,
    work,
    concurrency,
    failFast,
    regardless,
  })
  const orphans = [...resumption.earlier.values()].flat().filter((session) => !isSettled(session))
  // Their credentials are not needed any more.
  if (orphans.length > 0) await tidyWorkspace(context)
  const isDone = todo.every(({id}) => outcomes.get(id)?.state === 'completed')
  const cancelled = !isDone && (await attendance.cancelRequested())
  return {outcomes, stopped: stopped ?? (cancelled ? new CancelledError() : undefined)}
}

function tellStart(context: Context, {workspace, concurrency}: GenerateOptions, plan: Plan): void {
  const {run, kept} = plan.resumption
  tellUnrecorded(context, plan.resumption, workspace)
  const total = todoOf(plan).length
  context.report({event: 'run.started', run, server: context.server.address, total, kept: kept.size, concurrency})
}

async function conclude(
  context: Context,
  {workspace, outputDirectory}: GenerateOptions,
  {assets, resumption}: Plan,
  {outcomes, stopped}: Pick<MadeAll, 'outcomes' | 'stopped'>,
  started: number,
): Promise<GenerateResult> {
  const {clock, report, server, signal} = context
  const {run, kept, why} = resumption
  const all = assets.map((asset): AssetOutcome => {
    const known = kept.get(asset.id)
    if (known) return keptOutcome(asset, foundAt(asset, known, workspace))
    const outcome: AssetOutcome = outcomes.get(asset.id) ?? {asset: asset.id, state: 'pending'}
    const reason = why.get(asset.id)
    return {...outcome, ...(reason && !isKept(outcome) ? {why: reason} : {})}
  })
  const early = signal.aborted ? (signal.reason as AgError) : stopped
  const duration_seconds = Math.round(clock.monotonic() - started) / 1000
  const of = {run, server: server.address, outputDirectory, duration_seconds}
  const result = resultOf(all, {...of, ...(early ? {early} : {})})
  const {made, adopted, kept: there, failed, pending} = result
  await tellOrphans(context, assets)
  report({event: 'run.finished', run, made, adopted, kept: there, failed, pending, duration_seconds})
  return result
}

/** The assets, checked, and what earlier runs left of them. */
interface Plan {
  readonly assets: readonly Asset[]
  readonly resumption: Resumption
}

function todoOf({assets, resumption}: Plan): readonly Asset[] {
  return assets.filter(({id}) => !resumption.kept.has(id))
}

async function plan(context: Context, options: GenerateOptions): Promise<Plan> {
  const {run, resume: mode} = options
  const assets = await preflight(context, options)
  return {assets, resumption: await planResumption(context, {assets, run, mode})}
}

/** Before the wait, so that a wrong name does not cost half an hour; a server that is not there yet may come while we wait. */
async function planEarly(context: Context, options: GenerateOptions): Promise<Plan | undefined> {
  try {
    return await plan(context, options)
  } catch (error) {
    if (options.gate && (error instanceof UnreachableError || error instanceof NoBackendError)) return undefined
    throw error
  }
}

/** The plan once the server is idle, if that is to be waited for: others may have made some of the pictures meanwhile. */
async function pastTheGate(
  context: Context,
  options: GenerateOptions,
  early: Plan | undefined,
  attendance: Attendance,
): Promise<Plan> {
  const {gate, run, resume: mode} = options
  if (gate) {
    using stop = stoppedByCancel(context, attendance)
    const {exit_code, error} = await waitIdle({...context, servers: [context.server], signal: stop.signal}, gate)
    if (error) throw new NotIdleError(error.message, exit_code, error.next)
  }
  if (!early) return plan(context, options)
  return gate ? {...early, resumption: await planResumption(context, {assets: early.assets, run, mode})} : early
}

function tellUnrecorded({report}: Context, {why}: Resumption, workspace: string): void {
  const unrecorded = [...why.values()].filter((reason) => reason === 'unrecorded').length
  if (unrecorded === 0) return
  const message = `No history in ${workspace} says how ${unrecorded} of the pictures that are there were made: they are made again.`
  report({event: 'notice', message})
}

/** Sessions of earlier runs that asked for something else: no run goes on with them. */
async function tellOrphans({sessions, server, report}: Context, assets: readonly Asset[]): Promise<void> {
  const ours = new Set<string | undefined>(assets.map((asset) => assetKey(asset, server)))
  const orphans = (await sessions.list({active: true})).filter(isOrphan)
  const open = orphans.filter(({key}) => !ours.has(key)).length
  if (open === 0) return
  const [what, is] = open === 1 ? ['generation', 'is'] : ['generations', 'are']
  report({event: 'notice', message: `${open} ${what} of a process that is gone ${is} open: see ag recover.`})
}

/** Where it was found, which need not be where it was when it was made: another manifest may have had it made. */
function foundAt(asset: Asset, kept: Kept, workspace: string): Kept {
  const place = placeFor(asset, kept.picture) ?? asset.pathFor(asset.expectedFormat)
  return {...kept, picture: {...kept.picture, path: fromWorkspace(workspace, place)}}
}
