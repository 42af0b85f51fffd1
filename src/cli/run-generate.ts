import type {Asset} from '../asset/asset.ts'
import {systemClock} from '../clock.ts'
import {type GenerateResult, generate} from '../generate.ts'
import type {ResumeMode} from '../resume.ts'
import {openWorkspace, resolveWorkspace} from '../store/workspace.ts'
import {connect} from './connect.ts'
import {parseDuration} from './duration.ts'
import type {ServerFlags, StateFlags} from './flags.ts'
import {runGate} from './gate-flags.ts'
import type {RunFlags} from './generate-flags.ts'
import {interruptible} from './interruption.ts'
import {chooseProgress} from './progress.ts'

interface GenerateRun {
  readonly run: string
  readonly resume: ResumeMode
  readonly assets: readonly Asset[]
  /** Absolute. */
  readonly outputDirectory: string
  /** Keep a snapshot beside each picture: for pictures that no manifest declares. */
  readonly snapshots?: boolean
  readonly json: boolean
}

/** Runs `generate` as the flags say, with progress, signals and the workspace's histories. */
export async function runGenerate(
  {run, resume, assets, outputDirectory, snapshots = false, json}: GenerateRun,
  flags: ServerFlags & StateFlags & RunFlags,
): Promise<GenerateResult> {
  const {signal, release} = interruptible(flags.timeout === undefined ? undefined : parseDuration(flags.timeout))
  const gate = runGate(flags)
  const progress = await chooseProgress(flags, json)
  const note = (message: string): void => progress.report({event: 'notice', message})
  try {
    await using connection = await connect(flags, {
      transport: flags.transport,
      onRestart: () => note('The server was restarted.'),
    })
    const workspace = resolveWorkspace({stateDir: flags['state-dir'], stateFile: flags['state-file']})
    const sessions = openWorkspace({...workspace, clock: systemClock, command: 'ag generate', report: note})
    try {
      const context = {server: connection.server, sessions, clock: systemClock, signal, report: progress.report}
      return await generate(context, {
        run,
        resume,
        assets,
        outputDirectory,
        workspace: workspace.stateDir,
        snapshots,
        concurrency: flags.concurrency,
        failFast: flags['fail-fast'],
        retries: flags.retries,
        overwrite: flags.overwrite,
        allowFuzzyModel: flags['allow-fuzzy-model'],
        ...(gate ? {gate} : {}),
      })
    } finally {
      await sessions.close()
    }
  } finally {
    progress.close()
    release()
  }
}

/** The last words of a run: what was made, where it lies, and what to do about the rest. */
export function summary(result: GenerateResult): string {
  const {made, adopted, kept, failed, pending, assets} = result
  const pictures = (count: number): string => `${count} ${count === 1 ? 'picture' : 'pictures'}`
  const only = assets.length === 1 ? assets[0]?.picture?.path : undefined
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
  if (pending > 0) lines.push(`Not finished: ${pictures(pending)}. The same command makes them.`)
  if (result.error) lines.push(result.error.message + (result.error.next ? ` ${result.error.next}` : ''))
  return lines.join('\n')
}
