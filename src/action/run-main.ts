import {systemClock} from '../clock.ts'
import type {Report} from '../context.ts'
import {ExitCode} from '../errors.ts'
import {logLines} from '../face/progress.ts'
import {isKept} from '../generation/outcome.ts'
import type {UploadAnswer} from './artifact.ts'
import {type Before, noteBefore} from './before.ts'
import {failedPerformance, tellOfFailures} from './failures.ts'
import {tellPost} from './handover.ts'
import {inInputs} from './in-inputs.ts'
import {type Inputs, readInputs} from './inputs.ts'
import {harmless, keepHistories, keepPictures} from './keep.ts'
import {say, sayDebug} from './log.ts'
import {setOutputs, writeOutputs, writeSummary} from './outputs.ts'
import {perform} from './perform/perform.ts'
import type {Performance} from './performance.ts'
import {reproduce} from './reproduce.ts'
import {restoreHistories} from './restore.ts'
import {type Runner, readRunner} from './runner.ts'
import {cacheScopes} from './runtime-token.ts'
import {maskSecrets} from './secrets.ts'
import {type Begun, hidesPrompts, historiesOf, type Step, writesHistories} from './step.ts'
import {refusalSummary, stepSummary} from './summary.ts'
import {Timeline} from './timeline.ts'
import {refuseUntrusted} from './untrusted.ts'

/** The main step: inputs, state, the command, and what is told and kept of it. Returns the step's exit code. */
export async function runMain(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<ExitCode> {
  const runner = readRunner(env)
  let inputs: Inputs
  try {
    inputs = readTrusted(env, runner)
  } catch (error) {
    // Nothing was begun, and nothing is left for the post step.
    return refuse(failedPerformance(error), runner)
  }
  const begun = {inputs, runner, signal, phase: 'main'} as const
  introduce(begun)
  tellPost.started()
  // It may have come while this was loaded.
  if (signal.aborted) tellPost.interrupted()
  else signal.addEventListener('abort', tellPost.interrupted, {once: true})
  const {key = '', unread = false} = await restoreHistories(begun)
  if (unread) tellPost.unread()
  const step: Step = {...begun, before: await lookBefore(begun)}
  const timeline = new Timeline(systemClock.now)
  const performance = await performAndTell(step, timeline)
  timeline.end()
  tellPost.settled()
  tellOfFailures(performance, runner)
  // Told before anything is kept: a service that does not answer may cost the step its life.
  writeOutputs(runner, performance, {'state-key': key})
  const {history, pictures} = await keep(step, performance, unread)
  setOutputs({
    'history-artifact': history?.name ?? '',
    'history-url': history?.url ?? '',
    'pictures-artifact': pictures?.name ?? '',
  })
  await summarise(step, performance, timeline, {history, pictures})
  return performance.exitCode
}

async function refuse(refusal: Performance, runner: Runner): Promise<ExitCode> {
  tellOfFailures(refusal, runner)
  writeOutputs(runner, refusal, {})
  await harmless('The summary was not written', () => writeSummary(refusalSummary(refusal)))
  return refusal.exitCode
}

/** The inputs, their secrets masked. Throws `UsageError` for those that are wrong, and for an event that is not to be trusted. */
function readTrusted(env: NodeJS.ProcessEnv, runner: Runner): Inputs {
  const inputs = readInputs(env)
  const {command, keep} = inputs
  maskSecrets(inputs)
  const makes = command.name === 'generate' || (command.name === 'recover' && command.settings.resubmit)
  if (makes && command.settings.server !== 'mock' && !keep['allow-untrusted']) refuseUntrusted(runner)
  return inputs
}

/** Commands that write no histories keep none. */
async function lookBefore(begun: Begun): Promise<Before> {
  if (!writesHistories(begun.inputs)) return new Map()
  const noted = harmless('What was here before is not known', () =>
    noteBefore(begun.runner, historiesOf(begun, {readOnly: true})),
  )
  return (await noted) ?? new Map()
}

function introduce({inputs: {command, keep}, runner}: Begun): void {
  const version = process.env['AG_VERSION'] ?? '(sources)'
  const servers = [command.settings.server].flat().join(', ')
  say(`ag ${version} on Node ${process.versions.node}: ${command.name}, server ${servers}`)
  const {run, attempt, job, step, event} = runner
  sayDebug(`run ${run}, attempt ${attempt}, job ${job} [${keep['_job-index']}], step ${step}, event ${event}`)
  for (const {scope, write} of cacheScopes(process.env['ACTIONS_RUNTIME_TOKEN']) ?? []) {
    sayDebug(`cache of ${scope}: may ${write ? 'read and write' : 'read'}`)
  }
}

/** Whatever becomes of the command is a performance: of what it throws, too. */
async function performAndTell(step: Step, timeline: Timeline): Promise<Performance> {
  const {inputs, signal} = step
  const log = logLines(process.stdout, (line) => say(inInputs(line.trimEnd())))
  const report = (event: Report): void => {
    if (event.event === 'run.started') tellPost.run(event.run)
    timeline.note(event)
    log.report(event)
  }
  try {
    const performance = await perform(step, {signal, report})
    say(inInputs(performance.words))
    return performance
  } catch (error) {
    return failedPerformance(error, inputs)
  }
}

interface Kept {
  readonly history?: UploadAnswer | undefined
  readonly pictures?: UploadAnswer | undefined
}

/** A cancelled step has seconds: what it did is on the disk, and the post step has the time to keep it. */
async function keep(step: Step, performance: Performance, unread: boolean): Promise<Kept> {
  const {inputs, signal} = step
  if (!writesHistories(inputs)) {
    tellPost.stateKept()
    tellPost.historyKept()
    return {}
  }
  if (signal.aborted) return {}
  const failed = performance.exitCode !== ExitCode.done
  const history = await keepHistories(step, {failed, unread})
  if (signal.aborted) return {history}
  const pictures = inputs.keep['upload-pictures'] ? await keepPictures(step, performance) : undefined
  return {history, pictures}
}

async function summarise(
  {inputs, runner}: Step,
  performance: Performance,
  timeline: Timeline,
  {history, pictures}: Kept,
): Promise<void> {
  const {assets = []} = performance
  // Where all was there already, it is other runs that made it.
  const run = assets.every(isKept) ? undefined : performance.run
  const seed = assets[0]?.seed
  const reproduction = reproduce(inputs, {run, seed, redactPrompts: hidesPrompts({inputs, runner})})
  say(`The same on a machine of your own: ${reproduction}`)
  if (!inputs.keep.summary) return
  const links = [
    ...(history?.url ? [{title: 'History of this run (JSON Lines)', url: history.url}] : []),
    ...(pictures?.url ? [{title: 'Pictures', url: pictures.url}] : []),
  ]
  const summary = stepSummary({command: inputs.command.name, performance, timeline, run, links, reproduction})
  await harmless('The summary was not written', () => writeSummary(summary))
}
