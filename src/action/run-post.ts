import {messageOf} from '../ending.ts'
import {ExitCode, UsageError} from '../errors.ts'
import type {Conduct} from '../face/conduct.ts'
import {interruptible} from '../face/interruption.ts'
import {logLines} from '../face/progress.ts'
import {RECOVER_DEFAULTS} from '../face/recover-settings.ts'
import {readBefore} from './before.ts'
import type {Handover} from './handover.ts'
import {type Inputs, readInputs} from './inputs.ts'
import {keepHistories} from './keep.ts'
import {annotate, grouped, say} from './log.ts'
import {writeSummary} from './outputs.ts'
import {readRunner} from './runner.ts'
import {maskSecrets} from './secrets.ts'
import {type Begun, type Step, writesHistories} from './step.ts'

const SETTLE_WITHIN_MS = 45_000

/**
 * The post step when main left something to do: settles what a killed main could not, and keeps what it had no time to
 * keep. Whatever it cannot do is a warning: the job has its result already.
 */
export async function runPost(env: NodeJS.ProcessEnv, told: Handover): Promise<ExitCode> {
  using interruption = interruptible()
  try {
    const inputs = readInputs(env)
    maskSecrets(inputs)
    if (!writesHistories(inputs)) return ExitCode.done
    const runner = readRunner(env)
    const begun: Begun = {inputs, runner, signal: interruption.signal, phase: 'post'}
    // What was to be recovered or cancelled is as it was; only generations have work on the server that nobody looks after now.
    if (!told.settled && inputs.command.name === 'generate') await settle(begun, told)
    const before = readBefore(runner)
    if (before) await keepRest({...begun, before}, told)
  } catch (error) {
    annotate('warning', `The post step could not finish: ${messageOf(error)}`, 'ag')
  }
  return ExitCode.done
}

/**
 * Main is gone and had not settled its sessions. Cancelled, what it had asked for is stopped on the server, too; else it died,
 * and what the server still works on is left to it: the next run takes the picture.
 */
async function settle({inputs: {command}, signal: stop}: Begun, {interrupted, run}: Handover): Promise<void> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(SETTLE_WITHIN_MS)])
  const log = logLines(process.stdout, (line) => say(line.trimEnd()))
  const conduct: Conduct = {signal, report: log.report}
  await grouped('Settle what the step left behind', async () => {
    try {
      if (interrupted && run !== '') say(await cancelRun(command.settings, run, conduct))
      else say(await recoverAll(command.settings, conduct))
    } catch (error) {
      // Main had come to the end of its last session, and not to saying so.
      if (error instanceof UsageError) return say('Nothing was left to settle.')
      annotate('warning', `Not everything was settled; the next run does it: ${messageOf(error)}`, 'ag')
    }
  })
}

type Settings = Inputs['command']['settings']

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

async function keepRest(step: Step, {settled, interrupted, unread, stateKept, historyKept}: Handover): Promise<void> {
  const {inputs} = step
  const history = await keepHistories(step, {failed: true, unread, stateKept, historyKept})
  if (!inputs.keep.summary) return
  const link = history?.url ? `[History of this run (JSON Lines)](${history.url})\n` : ''
  // Main has told the rest itself, if it could.
  if (settled) return writeSummary(link)
  const what = interrupted ? 'cancelled, and killed before it could tell more.' : 'it ended before it could tell how.'
  await writeSummary(
    `### ⏹️ ag ${inputs.command.name}: ${what}\n\nRun the step again: it goes on where this one ended.\n\n${link}`,
  )
}
