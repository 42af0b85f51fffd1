import {relative, resolve, sep} from 'node:path'
import {setSecret} from '@actions/core'
import {ManifestError} from '../asset/manifest-error.ts'
import {systemClock} from '../clock.ts'
import {AgError, ExitCode, NotIdleError, UsageError} from '../errors.ts'
import {interruptible} from '../face/interruption.ts'
import {logLines} from '../face/progress.ts'
import type {AssetOutcome} from '../make-picture.ts'
import {addSecret, onSecret} from '../text.ts'
import {artifactName, type UploadAnswer, uploadPictures} from './artifact.ts'
import {tellPost} from './handover.ts'
import {type Inputs, readInputs} from './inputs.ts'
import {hidesPrompts, keepHistories, writesHistories} from './keep.ts'
import {annotate, type Place, say, sayDebug} from './log.ts'
import {writeOutputs, writeSummary} from './outputs.ts'
import {perform} from './perform.ts'
import {type Performance, statusOf} from './performance.ts'
import {reproduce} from './reproduce.ts'
import {restoreHistories} from './restore.ts'
import {type Runner, readRunner} from './runner.ts'
import {cacheScopes} from './runtime-token.ts'
import {stepSummary} from './summary.ts'
import {Timeline} from './timeline.ts'
import {refuseUntrusted} from './untrusted.ts'

/** The main step: inputs, state, the command, and what is told and kept of it. Returns the step's exit code. */
export async function runMain(env: NodeJS.ProcessEnv): Promise<ExitCode> {
  using interruption = interruptible()
  onSecret(setSecret)
  const runner = readRunner(env)
  let inputs: Inputs
  try {
    inputs = readInputs(env)
    maskSecrets(inputs)
    const {task, keep} = inputs
    if (task.command === 'generate' && task.settings.server !== 'mock' && !keep['allow-untrusted'])
      refuseUntrusted(runner)
  } catch (error) {
    return refuse(error, runner)
  }
  introduce(inputs, runner)
  const since = new Date(systemClock.now()).toISOString()
  tellPost.started(since)
  interruption.signal.addEventListener('abort', tellPost.interrupted)
  const key = await restoreHistories(inputs, runner)
  const timeline = new Timeline(systemClock.now)
  const performance = await performAndTell(inputs, runner, interruption.signal, timeline)
  tellPost.settled()
  // A cancelled step has seconds. What it did is on the disk, and the post step has the time to keep it.
  const kept = interruption.signal.aborted ? undefined : await keep(inputs, runner, performance, since)
  tellOfFailures(performance, runner)
  writeOutputs(runner, performance, {
    'state-key': key ?? '',
    'history-artifact': kept?.history?.name ?? '',
    'history-url': kept?.history?.url ?? '',
    'pictures-artifact': kept?.pictures?.name ?? '',
  })
  await summarise(inputs, runner, {performance, timeline, links: kept?.links ?? []})
  return performance.exitCode
}

interface Kept {
  readonly history: UploadAnswer | undefined
  readonly pictures: UploadAnswer | undefined
  readonly links: readonly {readonly title: string; readonly url: string}[]
}

async function keep(inputs: Inputs, runner: Runner, performance: Performance, since: string): Promise<Kept> {
  const history = writesHistories(inputs)
    ? await keepHistories(inputs, runner, {since, failed: performance.exitCode !== ExitCode.done})
    : undefined
  tellPost.kept()
  const pictures = inputs.keep['upload-pictures'] ? await keepPictures(inputs, runner, performance) : undefined
  const links = [
    ...(history?.url ? [{title: 'History of this run (JSON Lines)', url: history.url}] : []),
    ...(pictures?.url ? [{title: 'Pictures', url: pictures.url}] : []),
  ]
  return {history, pictures, links}
}

/** Whatever becomes of the command is a performance: of what it throws, too. */
async function performAndTell(
  {task}: Inputs,
  runner: Runner,
  signal: AbortSignal,
  timeline: Timeline,
): Promise<Performance> {
  const log = logLines(process.stdout, (line) => say(line.trimEnd()))
  try {
    const performance = await perform(
      task,
      {
        signal,
        report: (event) => {
          if (event.event === 'run.started') tellPost.run(event.run)
          timeline.note(event)
          log.report(event)
        },
      },
      runner,
    )
    say(performance.words)
    return performance
  } catch (error) {
    return ofError(error)
  }
}

function ofError(error: unknown): Performance {
  const known = error instanceof AgError ? error : undefined
  const exitCode = known?.exitCode ?? ExitCode.unforeseen
  const message = error instanceof Error ? error.message : String(error)
  const next = known ? known.next : 'This should not happen. Run again with debug logging and report what it says.'
  if (!known && error instanceof Error) sayDebug(error.stack ?? message)
  const problems = error instanceof ManifestError ? error.problems : undefined
  return {
    status: statusOf(exitCode),
    exitCode,
    words: '',
    headline: error instanceof NotIdleError ? 'nothing was made: the server was not idle.' : 'nothing was done.',
    error: {message, next},
    outputs: {},
    report: {schemaVersion: 1, error: {message, ...(next ? {next} : {})}, ...(problems ? {problems} : {})},
    ...(problems ? {problems} : {}),
  }
}

/** Inputs that are wrong: nothing was begun, and nothing is left for the post step. */
function refuse(error: unknown, runner: Runner): ExitCode {
  const performance = ofError(
    error instanceof UsageError ? error : new Error(`The inputs cannot be read: ${String(error)}`, {cause: error}),
  )
  tellOfFailures(performance, runner)
  writeOutputs(runner, performance, {})
  return performance.exitCode
}

function maskSecrets({task: {settings}}: Inputs): void {
  addSecret(settings.token)
  addSecret(settings.authorization)
  for (const line of [settings.header ?? []].flat().flatMap((text) => text.split('\n')))
    addSecret(line.split(/[=:]/).slice(1).join('=').trim())
  for (const server of [settings.server].flat()) addSecret(/\/\/[^/@]*:([^/@]+)@/.exec(server)?.[1])
}

function introduce({task, keep}: Inputs, runner: Runner): void {
  say(
    `ag ${process.env['AG_VERSION'] ?? '(sources)'} on Node ${process.versions.node}: ${task.command}, server ${[task.settings.server].flat().join(', ')}`,
  )
  sayDebug(
    `run ${runner.run}, attempt ${runner.attempt}, job ${runner.job} [${keep['_job-index']}], step ${runner.step}, event ${runner.event}`,
  )
  const scopes = cacheScopes(process.env['ACTIONS_RUNTIME_TOKEN'])
  for (const {scope, write} of scopes ?? []) sayDebug(`cache of ${scope}: may ${write ? 'read and write' : 'read'}`)
}

const ANNOTATED_AT_MOST = 8

/** Annotations where the manifest says what could not be made; the runner shows ten, so the rest are only counted. */
function tellOfFailures(performance: Performance, runner: Runner): void {
  const {assets = [], problems = [], manifest, error, exitCode} = performance
  const placeOf = (
    file: string,
    place: {readonly line: number; readonly column: number} | undefined,
  ): Place | undefined => {
    const path = relative(runner.workspace, resolve(file)).split(sep).join('/')
    return place && !path.startsWith('..') ? {...place, file: path} : undefined
  }
  const failures = [
    ...problems.map(({file, line, column, path, message}) => ({
      text: `${path ? `${path}: ` : ''}${message}`,
      title: 'ag: manifest',
      place: placeOf(file, {line, column}),
    })),
    ...assets.flatMap((outcome) =>
      failureOf(outcome, manifest && placeOf(manifest.file, manifest.placeOf(outcome.asset))),
    ),
  ]
  for (const {text, title, place} of failures.slice(0, ANNOTATED_AT_MOST)) annotate('error', text, title, place)
  if (exitCode === ExitCode.done) return
  const more =
    failures.length > ANNOTATED_AT_MOST
      ? ` ${failures.length - ANNOTATED_AT_MOST} more failures are in the log and the report.`
      : ''
  annotate('error', `${error?.message ?? performance.headline}${error?.next ? ` ${error.next}` : ''}${more}`, 'ag')
}

function failureOf(
  {asset, state, error}: AssetOutcome,
  place: Place | undefined,
): {text: string; title: string; place: Place | undefined}[] {
  if (state === 'completed' || !error) return []
  return [{text: `${error.message}${error.next ? ` ${error.next}` : ''}`, title: `ag: ${asset} ${state}`, place}]
}

async function keepPictures(
  {keep, task}: Inputs,
  runner: Runner,
  {assets = [], outputDirectory}: Performance,
): Promise<UploadAnswer> {
  const stateDir = resolve(task.settings['state-dir'] ?? '.')
  const files = assets.flatMap(({state, picture}) =>
    state === 'completed' && picture ? [resolve(stateDir, ...picture.path.split('/'))] : [],
  )
  const name = artifactName('pictures', runner, keep['state-name'], keep['_job-index'])
  const answer = await uploadPictures(runner, {
    name,
    root: outputDirectory ?? runner.workspace,
    files,
    retentionDays: keep['retention-days'],
  })
  if (answer.failed) annotate('warning', answer.words, 'ag: pictures')
  else say(answer.words)
  return answer
}

async function summarise(
  inputs: Inputs,
  runner: Runner,
  told: {readonly performance: Performance; readonly timeline: Timeline; readonly links: Kept['links']},
): Promise<void> {
  const {assets = []} = told.performance
  // Where all was there already, it is other runs that made it.
  const run = assets.some(({source}) => source !== 'kept') ? told.performance.run : undefined
  const reproduction = reproduce(inputs, {run, redactPrompts: hidesPrompts(inputs, runner)})
  say(`The same on a machine of your own: ${reproduction}`)
  if (inputs.keep.summary) await writeSummary(stepSummary({...told, command: inputs.task.command, reproduction}))
}
