import {join} from 'node:path'
import {type Asset, ID_PATTERN, type ImageFormat} from './asset/asset.ts'
import {assetKey} from './asset/key.ts'
import {checkedParameters} from './asset/parameter.ts'
import type {Context} from './context.ts'
import {AgError, CancelledError, UsageError} from './errors.ts'
import {type GenerateOptions, generate} from './generate.ts'
import {type GenerateResult, resultOf} from './generation/generate-result.ts'
import type {Places} from './recovery/place.ts'
import {isSettled} from './session/history-line.ts'
import type {SessionRequest} from './session/session.ts'
import type {Attendance, OwnedSession} from './store/session-store.ts'

export interface ResubmitOptions
  extends Omit<GenerateOptions, 'run' | 'assets' | 'outputDirectory' | 'snapshots' | 'resume' | 'attendance'> {
  /** Makes a name for a run. */
  readonly newRun: () => string
  readonly places: Places
  /** Sessions that were named: of these also those whose outcome nobody knows are made again. */
  readonly sessions: readonly string[]
  /** Only sessions that ended within so many milliseconds. */
  readonly sinceMs?: number
}

/** How a session ended that may be asked for again: nothing of it can be running or finished. */
const KNOWN_TO_BE_GONE: ReadonlySet<string> = new Set(['gone', 'never_submitted'])

/**
 * Makes exactly the pictures that lost sessions should have made, with the same seeds: those of which it is known that nothing
 * came of them, and those that were named. An asset whose newest session is another is left alone.
 */
export async function resubmit(context: Context, options: ResubmitOptions): Promise<readonly GenerateResult[]> {
  const {places, newRun} = options
  const lost = await lostSessions(context, options)
  const declared: Asset[] = []
  const undeclared: {readonly run: string; readonly asset: Asset}[] = []
  for (const session of lost) {
    const request = await context.sessions.request(session.id)
    if (!request) continue
    const known = await declaredAs(context, options, session)
    if (known) declared.push(withSeed(known, request))
    else if (request.redacted || 'cut' in request.parameters) {
      const message = `${session.id} cannot be made again: its history does not say with what prompt and parameters.`
      context.report({event: 'notice', message})
    } else if (ID_PATTERN.test(session.asset)) {
      const run = newRun()
      undeclared.push({run, asset: fromHistory(session, request, places, run)})
    }
  }
  const {outputDirectory, sessionsOutput} = places
  const runs = [
    ...(declared.length > 0 ? [{run: newRun(), assets: declared, outputDirectory}] : []),
    // Each in a run of its own: pictures of single prompts all have the same name.
    ...undeclared.map(({run, asset}) => ({run, assets: [asset], outputDirectory: sessionsOutput, snapshots: true})),
  ]
  const [first] = runs
  if (!first) return []
  // One for all of them: who stops one means us.
  await using attendance = await context.sessions.runs.join(first.run, context.server.address)
  const results: GenerateResult[] = []
  let stopped: AgError | undefined
  for (const run of runs) {
    stopped ??= await whyStopped(context, attendance)
    if (!stopped) {
      try {
        results.push(await generate(context, {...options, ...run, attendance, resume: 'adopt'}))
        continue
      } catch (error) {
        // What was made before is to be told all the same.
        if (!(error instanceof AgError) || results.length === 0) throw error
        stopped = error
      }
    }
    results.push(notBegun(context, run, stopped))
  }
  return results
}

async function whyStopped({signal}: Context, attendance: Attendance): Promise<AgError | undefined> {
  if (signal.aborted) return signal.reason
  return (await attendance.cancelRequested()) ? new CancelledError() : undefined
}

function notBegun(
  {server}: Context,
  {run, assets, outputDirectory}: Pick<GenerateOptions, 'run' | 'assets' | 'outputDirectory'>,
  early: AgError,
): GenerateResult {
  const pending = assets.map(({id}) => ({asset: id, state: 'pending'}) as const)
  return resultOf(pending, {run, server: server.address, outputDirectory, duration_seconds: 0, early})
}

async function lostSessions(
  {sessions, clock}: Context,
  {places, sessions: named, sinceMs}: ResubmitOptions,
): Promise<OwnedSession[]> {
  const all = await sessions.list({active: false})
  const newest = new Map(
    all.map((session) => [places.declared.has(session.asset) ? session.asset : session.id, session]),
  )
  const made = new Set(all.filter(({state}) => state === 'completed').map(({key}) => key))
  return [...newest.values()].filter((session) => {
    const {id, state, result, updatedAt} = session
    if (!isSettled(session) || state === 'completed' || session.unsupported) return false
    if (session.key !== undefined && made.has(session.key)) return false
    if (named.length > 0 && !named.includes(id)) return false
    if (sinceMs !== undefined && clock.now() - Date.parse(updatedAt) > sinceMs) return false
    const reason = result?.reason ?? ''
    return KNOWN_TO_BE_GONE.has(reason) || (reason === 'outcome_unknown' && named.includes(id))
  })
}

/** The manifest's asset that a session was about, if the manifest still says the same of it. */
async function declaredAs(
  {server, signal}: Context,
  {places, allowFuzzyModel}: ResubmitOptions,
  {asset, key}: OwnedSession,
): Promise<Asset | undefined> {
  const known = places.declared.get(asset)
  if (!known) return undefined
  try {
    const checked = {...known, parameters: await server.check(known.parameters, {signal, allowFuzzyModel})}
    return assetKey(checked, server) === key ? checked : undefined
  } catch (error) {
    if (error instanceof UsageError) return undefined
    throw error
  }
}

function withSeed(asset: Asset, {parameters}: SessionRequest): Asset {
  const {seed} = parameters
  return typeof seed === 'number' ? {...asset, parameters: {...asset.parameters, seed}} : asset
}

/**
 * An asset that no manifest declares, as its history tells it. The history may have come from elsewhere: of it only parameters
 * are taken, and of those none that ag sets itself; its picture goes to a folder named after its new session.
 */
function fromHistory(session: OwnedSession, request: SessionRequest, places: Places, run: string): Asset {
  const id = session.asset
  const parameters = checkedParameters(request.parameters)
  const folder = join(places.sessionsOutput, `gen-${run}-${id}`)
  return {
    id,
    group: '',
    prompt: request.prompt,
    parameters,
    randomSeed: false,
    expectedFormat: 'png',
    pathFor: (format: ImageFormat) => join(folder, `${id}.${format}`),
  }
}
