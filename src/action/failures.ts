import {isAbsolute, relative, resolve, sep} from 'node:path'
import {ManifestError} from '../asset/manifest-error.ts'
import {AgError, ExitCode, InterruptedError} from '../errors.ts'
import {DEFAULT_SERVER} from '../face/settings.ts'
import {type AssetOutcome, isCompleted} from '../generation/outcome.ts'
import {inInputs} from './in-inputs.ts'
import type {Command, Inputs} from './inputs.ts'
import {annotate, type Place, sayDebug} from './log.ts'
import {type Performance, statusOf} from './performance.ts'
import type {Runner} from './runner.ts'

/** What a command came to that threw. */
export function failedPerformance(error: unknown, inputs?: Inputs): Performance {
  const known = error instanceof AgError ? error : undefined
  const exitCode = known?.exitCode ?? ExitCode.unforeseen
  const cancelled = error instanceof InterruptedError
  const message = cancelled
    ? 'The step was cancelled.'
    : inInputs(error instanceof Error ? error.message : String(error))
  const next = known
    ? nextStep(known, inputs)
    : 'This should not happen. Run again with debug logging and report what it says.'
  if (!known && error instanceof Error) sayDebug(error.stack ?? message)
  const problems = error instanceof ManifestError ? error.problems : undefined
  return {
    status: statusOf(exitCode),
    exitCode,
    words: '',
    headline: cancelled ? 'cancelled before anything was done.' : 'nothing was done.',
    error: {message, next},
    outputs: inputs ? NOTHING[inputs.command.name] : {},
    report: {schemaVersion: 1, error: {message, ...(next ? {next} : {})}, ...(problems ? {problems} : {})},
    ...(problems ? {problems} : {}),
  }
}

function nextStep({next, exitCode}: AgError, inputs: Inputs | undefined): string | undefined {
  const unset = inputs?.command.settings.server === DEFAULT_SERVER && !inputs.given.has('server')
  if (exitCode === ExitCode.unreachable && unset) {
    return 'The input server is empty: is the variable set that it is to come from?'
  }
  return next && inInputs(next)
}

const NO_PICTURES = {made: '0', adopted: '0', kept: '0', failed: '0', pending: '0', pictures: '[]'}
/** The outputs of a command that did not get to its end: so that an expression can read them all the same. */
const NOTHING: Readonly<Record<Command['name'], Readonly<Record<string, string>>>> = {
  generate: NO_PICTURES,
  'wait-idle': {idle: 'false', 'timed-out': 'false', 'waited-seconds': '0'},
  status: {idle: 'false', 'generations-running': '0'},
  recover: {recovered: '0'},
  cancel: {},
  doctor: {},
}

const ANNOTATED_AT_MOST = 8

/** Annotations where the manifest says what could not be made; the runner shows ten, so the rest are only counted. */
export function tellOfFailures(
  {assets = [], problems = [], manifest, error, headline, exitCode}: Performance,
  {workspace}: Runner,
): void {
  const failures = [
    ...problems.map(({file, line, column, path, message}) => ({
      text: `${path ? `${path}: ` : ''}${message}`,
      title: 'ag: manifest',
      place: placeIn(workspace, file, {line, column}),
    })),
    ...assets.flatMap((outcome) =>
      failureOf(outcome, manifest && placeIn(workspace, manifest.file, manifest.placeOf(outcome.asset))),
    ),
  ]
  for (const {text, title, place} of failures.slice(0, ANNOTATED_AT_MOST)) annotate('error', text, title, place)
  if (exitCode === ExitCode.done) return
  const left = failures.length - ANNOTATED_AT_MOST
  const more = left > 0 ? ` ${left} more failures are in the log and the report.` : ''
  annotate('error', inInputs(`${error?.message ?? headline}${error?.next ? ` ${error.next}` : ''}${more}`), 'ag')
}

interface Failure {
  readonly text: string
  readonly title: string
  readonly place: Place | undefined
}

function failureOf(outcome: AssetOutcome, place: Place | undefined): Failure[] {
  if (isCompleted(outcome) || !outcome.error) return []
  const {asset, state, error} = outcome
  return [
    {text: inInputs(`${error.message}${error.next ? ` ${error.next}` : ''}`), title: `ag: ${asset} ${state}`, place},
  ]
}

function placeIn(
  workspace: string,
  file: string,
  place: {readonly line: number; readonly column: number} | undefined,
): Place | undefined {
  const path = relative(workspace, resolve(file))
  if (!place || path.startsWith('..') || isAbsolute(path)) return undefined
  return {line: place.line, column: place.column, file: path.split(sep).join('/')}
}
