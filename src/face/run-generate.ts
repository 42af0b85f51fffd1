import type {Asset} from '../asset/asset.ts'
import type {Manifest} from '../asset/manifest.ts'
import {ManifestError} from '../asset/manifest-error.ts'
import {systemClock} from '../clock.ts'
import {startDeadline} from '../deadline.ts'
import {generate} from '../generate.ts'
import type {GenerateResult} from '../generation/generate-result.ts'
import {type AssetOutcome, isCompleted} from '../generation/outcome.ts'
import {AssetsRefusedError} from '../generation/preflight.ts'
import type {ResumeMode} from '../generation/resume.ts'
import {foreignLine} from '../text.ts'
import type {Conduct} from './conduct.ts'
import {connect} from './connect.ts'
import {count} from './count.ts'
import {parseDuration} from './duration.ts'
import {runGate} from './gate.ts'
import {pretendedFor} from './pretended.ts'
import type {RunSettings} from './run-settings.ts'
import type {ServerSettings, StateSettings} from './settings.ts'
import {openHistories, workspaceOf} from './workspace.ts'

export interface GenerateRun {
  readonly run: string
  readonly resume: ResumeMode
  readonly assets: readonly Asset[]
  /** Absolute. */
  readonly outputDirectory: string
  /** Keep a snapshot beside each picture: for pictures that no manifest declares. */
  readonly snapshots?: boolean
  /** Where an asset is declared, if it is in a manifest. */
  readonly placeOf?: Manifest['placeOf']
}

/** Runs `generate` as the settings say, with the workspace's histories. */
export async function runGenerate(
  {run, resume, assets, outputDirectory, snapshots = false, placeOf}: GenerateRun,
  settings: ServerSettings & StateSettings & RunSettings,
  {signal: stop, report}: Conduct,
): Promise<GenerateResult> {
  using deadline =
    settings.timeout === undefined ? undefined : startDeadline(systemClock, parseDuration(settings.timeout), stop)
  const signal = deadline?.signal ?? stop
  const gate = runGate(settings)
  const note = (message: string): void => report({event: 'notice', message})
  const pretended = pretendedFor(assets)
  const names = [...pretended.models, ...pretended.loras]
  if (settings.server === 'mock' && names.length > 0) {
    note(`The mock pretends to have ${foreignLine(names.join(', '))}: only your own server can tell.`)
  }
  await using connection = await connect(settings, {
    pretended,
    transport: settings.transport,
    onRestart: () => note('The server was restarted.'),
  })
  const {stateDir: workspace} = workspaceOf(settings)
  const sessions = openHistories(settings, {command: 'ag generate', report: note})
  try {
    return await generate(
      {server: connection.server, sessions, clock: systemClock, signal, report},
      {
        run,
        resume,
        assets,
        outputDirectory,
        workspace,
        snapshots,
        concurrency: settings.concurrency,
        failFast: settings['fail-fast'],
        retries: settings.retries,
        overwrite: settings.overwrite,
        allowFuzzyModel: settings['allow-fuzzy-model'],
        ...(gate ? {gate} : {}),
      },
    )
  } catch (error) {
    throw error instanceof AssetsRefusedError && placeOf ? inManifest(error, placeOf) : error
  } finally {
    await sessions.close()
  }
}

/** The same with the places in the manifest where it is to be mended. */
function inManifest({refusals}: AssetsRefusedError, placeOf: Manifest['placeOf']): ManifestError {
  const problems = refusals.flatMap(({assets: [first = ''], message}) => {
    const place = placeOf(first)
    return place ? [{...place, message}] : []
  })
  return new ManifestError(problems)
}

/** The last words of a run: what was made, where it lies, and what to do about the rest. `force`: it made all, whatever was there. */
export function summary(result: GenerateResult, {force}: {readonly force: boolean}): string {
  const {made, adopted, kept, failed, pending, assets} = result
  const pictures = (number: number): string => count(number, 'picture')
  const [first] = assets.length === 1 ? assets.filter(isCompleted) : []
  const only = first?.picture.path
  const where = only ?? result.output_directory
  const nothing = made === 0 && failed + pending === 0 && adopted + kept > 0
  const lines = [
    nothing
      ? `Nothing had to be made: ${where}`
      : `Made ${pictures(made)} in ${result.duration_seconds.toFixed(1)} s: ${where}`,
  ]
  if (adopted > 0) lines.push(`Finished before, and found: ${pictures(adopted)}.`)
  if (kept > 0) lines.push(`There already: ${pictures(kept)}. --force makes them anew.`)
  if (failed > 0) lines.push(`Not made: ${pictures(failed)}.`)
  if (pending > 0) lines.push(`Not finished: ${pictures(pending)}.${hint(result, force)}`)
  return lines.join('\n')
}

/** Of what is left to another process or server it was told what to do. */
function hint({assets}: GenerateResult, force: boolean): string {
  const isOpen = (one: AssetOutcome): boolean =>
    !isCompleted(one) && ((one.state === 'pending' && !one.error?.next) || one.state === 'cancelled')
  if (!assets.some(isOpen)) return ''
  return force
    ? ' The same command makes all of them again; without --force, only what is missing.'
    : ' The same command makes them.'
}
