import {join, resolve} from 'node:path'
import {findManifest, type Manifest, readManifest} from '../asset/manifest.ts'
import {systemClock} from '../clock.ts'
import {UsageError} from '../errors.ts'
import type {GenerateResult} from '../generate.ts'
import {type RecoverResult, recover} from '../recover.ts'
import type {Places} from '../recovery/place.ts'
import {resubmit} from '../resubmit.ts'
import {newRunId} from '../session/run-id.ts'
import {openWorkspace, resolveWorkspace} from '../store/workspace.ts'
import {connect} from './connect.ts'
import {parseAge, parseDuration} from './duration.ts'
import type {ServerFlags, StateFlags} from './flags.ts'
import {interruptible} from './interruption.ts'
import {chooseProgress} from './progress.ts'
import type {RecoverFlags} from './recover-flags.ts'
import {recoverTable} from './recover-table.ts'

/** A recovery, and what was made again after it. */
export interface RecoveryReport extends RecoverResult {
  readonly resubmitted?: readonly GenerateResult[]
}

/** Recovers as the flags say. Without a manifest named, the workspace's own says where pictures go, if there is one. */
export async function runRecover(
  manifest: string | undefined,
  flags: RecoverFlags & ServerFlags & StateFlags,
  json: boolean,
): Promise<RecoveryReport> {
  const {signal, release} = interruptible()
  const waitMs = flags.wait ? parseDuration(flags.timeout) : undefined
  const sinceMs = flags.since === undefined ? undefined : parseAge(flags.since)
  const giveUpAfterMs = parseAge(flags['give-up-after'])
  const workspace = resolveWorkspace({stateDir: flags['state-dir'], stateFile: flags['state-file']})
  const places = placesOf(workspace.stateDir, flags['output-dir'], await manifestOf(manifest, workspace.stateDir))
  const progress = await chooseProgress(flags, json || !flags.apply)
  const note = (message: string): void => progress.report({event: 'notice', message})
  const sessions = openWorkspace({...workspace, clock: systemClock, command: 'ag recover', report: note})
  try {
    await using connection = await connect(flags)
    const context = {server: connection.server, sessions, clock: systemClock, signal, report: progress.report}
    const named = flags.session ?? []
    const globs = flags['complete-when']
    const retries = {retries: 2, retryDelayMs: 1000}
    const {concurrency, force} = flags
    const since = sinceMs === undefined ? {} : {sinceMs}
    const result = await recover(context, {
      places,
      giveUpAfterMs,
      force,
      apply: flags.apply,
      sessions: named,
      concurrency,
      ...retries,
      ...since,
      ...(globs ? {rule: {complete: globs}} : {}),
      ...(waitMs === undefined ? {} : {waitMs}),
    })
    if (!flags.resubmit || result.error) return result
    const run = {run: newRunId(), workspace: workspace.stateDir, failFast: false, overwrite: false}
    const again = {places, sessions: named, concurrency, allowFuzzyModel: false, ...retries, ...since, ...run}
    const resubmitted = await resubmit(context, again)
    return {...result, resubmitted, exit_code: resubmitted.find(({exit_code}) => exit_code)?.exit_code ?? 0}
  } finally {
    await sessions.close()
    progress.close()
    release()
  }
}

async function manifestOf(named: string | undefined, folder: string): Promise<Manifest | undefined> {
  if (named !== undefined) return readManifest(named)
  const found = await findManifest(folder).catch((error: unknown) => {
    if (error instanceof UsageError) return undefined
    throw error
  })
  return found === undefined ? undefined : readManifest(found)
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
  const planned = sessions.filter(({outcome}) => outcome === 'planned').length
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`
  if (!applied) {
    lines.push(planned > 0 ? 'Nothing was changed. Do it with: ag recover --apply' : 'There is nothing to do now.')
  } else {
    const adopted = sessions.filter(({state, outcome}) => state === 'completed' && outcome === 'done').length
    const settled = sessions.filter(
      ({state, outcome}) => outcome === 'done' && (state === 'failed' || state === 'cancelled' || state === 'lost'),
    ).length
    lines.push(`Completed: ${count(adopted, 'session')}. Settled without a picture: ${settled}.`)
    const again = sessions.filter(({retryable, outcome}) => retryable && outcome === 'done').length
    if (again > 0 && resubmitted.length === 0) {
      lines.push(`${count(again, 'picture')} can be made again: ag generate, or ag recover --apply --resubmit.`)
    }
  }
  if (sessions.some(({state, outcome}) => state === 'running' && outcome === 'open')) {
    lines.push('Wait for what is running with: ag recover --apply --wait')
  }
  for (const {made, failed, pending, output_directory: where} of resubmitted) {
    lines.push(
      `Made again: ${count(made, 'picture')} in ${where}${failed + pending > 0 ? `, not made: ${failed + pending}` : ''}.`,
    )
  }
  return lines.join('\n')
}
