import {statSync} from 'node:fs'
import {join, resolve} from 'node:path'
import {findManifest} from '../asset/find-manifest.ts'
import type {Manifest} from '../asset/manifest.ts'
import {systemClock} from '../clock.ts'
import {AgError, ExitCode, UsageError} from '../errors.ts'
import type {GenerateResult} from '../generation/generate-result.ts'
import {type RecoverResult, recover} from '../recover.ts'
import type {Places} from '../recovery/place.ts'
import {newRunId} from '../session/run-id.ts'
import type {Conduct} from './conduct.ts'
import {connectWhenNeeded} from './connect-when-needed.ts'
import {count} from './count.ts'
import {parseAge, parseDuration} from './duration.ts'
import type {RecoverSettings} from './recover-settings.ts'
import {recoverTable} from './recover-table.ts'
import type {ServerSettings, StateSettings} from './settings.ts'
import {openHistories, workspaceOf} from './workspace.ts'

/** A recovery, and what was made again after it. */
export interface RecoveryReport extends RecoverResult {
  readonly resubmitted?: readonly GenerateResult[]
}

/** Recovers as the settings say. Without a manifest named, the workspace's own says where pictures go, if there is one. */
export async function runRecover(
  manifest: string | undefined,
  settings: RecoverSettings & ServerSettings & StateSettings,
  {signal, report}: Conduct,
): Promise<RecoveryReport> {
  const waitMs = settings.wait ? parseDuration(settings.timeout) : undefined
  const sinceMs = settings.since === undefined ? undefined : parseAge(settings.since)
  const giveUpAfterMs = parseAge(settings['give-up-after'])
  checkFolders(settings)
  const {stateDir: workspace} = workspaceOf(settings)
  const places = placesOf(workspace, settings['output-dir'], await manifestOf(manifest, workspace))
  const note = (message: string): void => report({event: 'notice', message})
  const sessions = openHistories(settings, {command: 'ag recover', report: note})
  try {
    await using connection = connectWhenNeeded(settings)
    const context = {server: connection.server, sessions, clock: systemClock, signal, report}
    const named = settings.session ?? []
    const globs = settings['complete-when']
    const retries = {retries: 2, retryDelayMs: 1000}
    const {concurrency, force} = settings
    const since = sinceMs === undefined ? {} : {sinceMs}
    const result = await recover(context, {
      places,
      giveUpAfterMs,
      force,
      apply: settings.apply,
      sessions: named,
      concurrency,
      ...retries,
      ...since,
      ...(globs ? {rule: {complete: globs}} : {}),
      ...(waitMs === undefined ? {} : {waitMs}),
    })
    // What is wrong with one session keeps no other from being made again.
    const stops = result.error !== undefined && result.exit_code !== ExitCode.assetsMissing
    if (!settings.resubmit || stops) return result
    const run = {newRun: newRunId, workspace, failFast: false, overwrite: false}
    const again = {places, sessions: named, concurrency, allowFuzzyModel: false, ...retries, ...since, ...run}
    try {
      const {resubmit} = await import('../resubmit.ts')
      const resubmitted = await resubmit(context, again)
      // What ended early says why; what failed is in its own result.
      const early = resubmitted.find(({error}) => error)
      const failed = early ?? resubmitted.find(({exit_code: code}) => code !== ExitCode.done)
      const error = early?.error ? {error: early.error} : {}
      return {...result, resubmitted, ...error, exit_code: failed?.exit_code ?? result.exit_code}
    } catch (error) {
      // What was recovered is to be told all the same.
      if (!(error instanceof AgError)) throw error
      const {message, next, exitCode} = error
      return {...result, error: {message, ...(next ? {next} : {})}, exit_code: exitCode}
    }
  } finally {
    await sessions.close()
  }
}

/** A mistyped folder or pattern would find nothing, which reads like good news. */
function checkFolders({'output-dir': output, 'complete-when': globs = []}: RecoverSettings): void {
  if (output !== undefined && !statSync(output, {throwIfNoEntry: false})?.isDirectory()) {
    throw new UsageError(`--output-dir ${output} is no folder.`, {
      next: 'Name the folder that holds a folder for each session.',
    })
  }
  const bad = globs.find((glob) => glob.trim() === '' || glob.startsWith('/') || glob.includes(','))
  if (bad !== undefined) {
    throw new UsageError(`--complete-when "${bad}" is no pattern of file names.`, {
      next: 'Give each by itself, relative to the folder of a session: --complete-when render.png --complete-when "*.blend"',
    })
  }
}

async function manifestOf(named: string | undefined, folder: string): Promise<Manifest | undefined> {
  const path =
    named ??
    (await findManifest(folder).catch((error: unknown) => {
      if (error instanceof UsageError) return undefined
      throw error
    }))
  if (path === undefined) return undefined
  const {readManifest} = await import('../asset/manifest.ts')
  return readManifest(path)
}

function placesOf(workspace: string, output: string | undefined, manifest: Manifest | undefined): Places {
  const sessionsOutput = output === undefined ? join(workspace, 'output') : resolve(output)
  return {
    workspace,
    sessionsOutput,
    outputDirectory: manifest?.outputDirectory ?? sessionsOutput,
    declared: new Map(manifest?.assets.map((asset) => [asset.id, asset])),
  }
}

/** A table is for people; machines take JSON. */
const ROWS_AT_MOST = 100

/** What was found and done: a table, and what to do next. */
export function recoverSummary(result: RecoveryReport): string {
  const {sessions, applied, resubmitted = []} = result
  if (sessions.length === 0 && resubmitted.length === 0) return 'Nothing to recover: every session has come to its end.'
  const lines = sessions.length > 0 ? [recoverTable(sessions.slice(0, ROWS_AT_MOST), applied)] : []
  if (sessions.length > ROWS_AT_MOST) lines.push(`and ${sessions.length - ROWS_AT_MOST} more: --json tells all.`)
  if (sessions.length > 0) lines.push('')
  lines.push(...(applied ? appliedSummary(result) : planSummary(result)))
  const open = sessions.filter(({outcome}) => outcome === 'open')
  if (open.some(({state}) => state === 'running')) {
    lines.push('Wait for what is running with: ag recover --apply --wait')
  }
  if (open.some(({state, row}) => state === 'unverified' && row !== 4)) {
    lines.push('What is unverified is given up after --give-up-after without a sign of life (30m unless set).')
  }
  for (const {made, failed, pending, output_directory: where} of resubmitted) {
    const missing = failed + pending > 0 ? `, not made: ${failed + pending}` : ''
    lines.push(`Made again: ${count(made, 'picture')} in ${where}${missing}.`)
  }
  return lines.join('\n')
}

function planSummary({sessions, error}: RecoveryReport): string[] {
  if (sessions.some(({outcome}) => outcome === 'planned')) {
    return ['Nothing was changed. Do it with: ag recover --apply']
  }
  return error ? [] : ['There is nothing to do now.']
}

function appliedSummary({sessions, resubmitted = []}: RecoveryReport): string[] {
  const done = sessions.filter(({outcome}) => outcome === 'done')
  const completed = done.filter(({state}) => state === 'completed').length
  const settled = done.filter(({state}) => state === 'failed' || state === 'cancelled' || state === 'lost').length
  const again = done.filter(({retryable}) => retryable).length
  const hint = `${count(again, 'picture')} can be made again: ag generate, or ag recover --apply --resubmit.`
  return [
    `Completed: ${count(completed, 'session')}. Settled without a picture: ${settled}.`,
    ...(again > 0 && resubmitted.length === 0 ? [hint] : []),
  ]
}
