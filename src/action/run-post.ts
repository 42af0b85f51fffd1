import {setSecret} from '@actions/core'
import {ExitCode} from '../errors.ts'
import type {Conduct} from '../face/conduct.ts'
import {interruptible} from '../face/interruption.ts'
import {logLines} from '../face/progress.ts'
import {RECOVER_DEFAULTS} from '../face/recover-settings.ts'
import {onSecret} from '../text.ts'
import type {Handover} from './handover.ts'
import {type Inputs, readInputs} from './inputs.ts'
import {keepHistories, writesHistories} from './keep.ts'
import {annotate, grouped, say} from './log.ts'
import {writeSummary} from './outputs.ts'
import {type Runner, readRunner} from './runner.ts'

const SETTLE_WITHIN_MS = 45_000

/**
 * The post step when main left something to do: settles what a killed main could not, and keeps what it had no time to
 * keep. Whatever it cannot do is a warning: the job has its result already.
 */
export async function runPost(env: NodeJS.ProcessEnv, told: Handover): Promise<ExitCode> {
  using interruption = interruptible()
  onSecret(setSecret)
  try {
    const inputs = readInputs(env)
    if (!writesHistories(inputs)) return ExitCode.done
    const runner = readRunner(env)
    const signal = AbortSignal.any([interruption.signal, AbortSignal.timeout(SETTLE_WITHIN_MS)])
    if (!told.settled) await settle(inputs, told, signal)
    await keepRest(inputs, runner, told)
  } catch (error) {
    annotate(
      'warning',
      `The post step could not finish: ${error instanceof Error ? error.message : String(error)}`,
      'ag',
    )
  }
  return ExitCode.done
}

/**
 * Main is gone and had not settled its sessions. Cancelled, what it had asked for is stopped on the server, too; else it died,
 * and what the server still works on is left to it: the next run takes the picture.
 */
async function settle({task}: Inputs, {interrupted, run}: Handover, signal: AbortSignal): Promise<void> {
  const log = logLines(process.stdout, (line) => say(line.trimEnd()))
  const conduct: Conduct = {signal, report: log.report}
  await grouped('Settle what the step left behind', async () => {
    try {
      if (interrupted && run !== '') say(await cancelRun(task.settings, run, conduct))
      else say(await recoverAll(task.settings, conduct))
    } catch (error) {
      annotate(
        'warning',
        `Not everything was settled; the next run does it: ${error instanceof Error ? error.message : String(error)}`,
        'ag',
      )
    }
  })
}

type Settings = Inputs['task']['settings']

async function cancelRun(settings: Settings, run: string, conduct: Conduct): Promise<string> {
  const {cancelSummary, runCancel} = await import('../face/run-cancel.ts')
  const [server = ''] = [settings.server].flat()
  const result = await runCancel([], {...settings, server, run, all: false, user: false, timeout: '30s'}, conduct)
  return [cancelSummary(result), result.error?.message ?? ''].filter(Boolean).join('\n')
}

async function recoverAll(settings: Settings, conduct: Conduct): Promise<string> {
  const {recoverSummary, runRecover} = await import('../face/run-recover.ts')
  const [server = ''] = [settings.server].flat()
  const nothing = {session: undefined, since: undefined, 'output-dir': undefined, 'complete-when': undefined}
  const all = {apply: true, wait: false, resubmit: false, force: false, timeout: RECOVER_DEFAULTS.timeout}
  const {concurrency, giveUpAfter} = RECOVER_DEFAULTS
  const manifest = 'manifest' in settings ? settings.manifest : undefined
  const options = {...settings, ...nothing, ...all, server, concurrency, 'give-up-after': giveUpAfter}
  const result = await runRecover(manifest, options, conduct)
  return [recoverSummary(result), result.error?.message ?? ''].filter(Boolean).join('\n')
}

async function keepRest(inputs: Inputs, runner: Runner, {started: since, settled}: Handover): Promise<void> {
  const history = await keepHistories(inputs, runner, {since, failed: true})
  if (!inputs.keep.summary) return
  const what = settled ? 'The step was cancelled.' : 'The step ended before it could tell how.'
  const link = history?.url ? ` [What it did (JSON Lines)](${history.url})` : ''
  await writeSummary(
    `### ⏹️ ag ${inputs.task.command}: ${what}${link}\n\nThe same step makes the rest when it is run again.\n`,
  )
}
