import {relative, resolve, sep} from 'node:path'
import {findManifest} from '../asset/find-manifest.ts'
import {ExitCode} from '../errors.ts'
import type {Conduct} from '../face/conduct.ts'
import {count} from '../face/count.ts'
import type {GenerateResult} from '../generate.ts'
import {newRunId} from '../session/run-id.ts'
import type {Task} from './inputs.ts'
import {type Performance, statusOf} from './performance.ts'
import type {Runner} from './runner.ts'

type TaskOf<Command extends Task['command']> = Extract<Task, {readonly command: Command}>

/** Does what a step is for, with the operations of the command line. Each command's code is loaded when it is the one. */
export function perform(task: Task, conduct: Conduct, runner: Runner): Promise<Performance> {
  switch (task.command) {
    case 'generate':
      return performGenerate(task, conduct, runner)
    case 'wait-idle':
      return performWait(task, conduct)
    case 'status':
      return performStatus(task.settings, conduct)
    case 'recover':
      return performRecover(task, conduct)
    case 'cancel':
      return performCancel(task, conduct)
    case 'doctor':
      return performDoctor(task.settings, conduct)
  }
}

async function performGenerate(
  {settings, image}: TaskOf<'generate'>,
  conduct: Conduct,
  runner: Runner,
): Promise<Performance> {
  const {runGenerate, summary} = await import('../face/run-generate.ts')
  if (image) {
    const {assetsFromSettings} = await import('../face/image-settings.ts')
    const run = settings.run ?? newRunId()
    const picture = {run, resume: 'never' as const, ...assetsFromSettings(image, run)}
    const result = await runGenerate(picture, settings, conduct)
    return ofGenerate(result, summary(result), runner, settings['state-dir'])
  }
  const {runName} = await import('../face/run-settings.ts')
  const {readManifest} = await import('../asset/manifest.ts')
  const name = runName(settings)
  const manifest = await readManifest(settings.manifest ?? (await findManifest('.')))
  const {assets, outputDirectory} = manifest
  const result = await runGenerate({...name, assets, outputDirectory}, settings, conduct)
  return {...ofGenerate(result, summary(result), runner, settings['state-dir']), manifest}
}

function ofGenerate(
  result: GenerateResult,
  words: string,
  {workspace}: Runner,
  stateDir: string | undefined,
): Performance {
  const {made, adopted, kept, failed, pending, exit_code: exitCode, assets, error, run} = result
  const pictures = assets.flatMap(({state, picture}) => (state === 'completed' && picture ? [picture.path] : []))
  const inWorkspace = pictures.map((path) => shown(workspace, resolve(stateDir ?? '.', ...path.split('/'))))
  const nothing = made + adopted + failed + pending === 0
  const parts = [
    nothing ? `Nothing had to be made: ${count(kept, 'picture')} up to date` : `${count(made, 'picture')} made`,
    ...(adopted > 0 ? [`${adopted} found that an earlier run got finished`] : []),
    ...(kept > 0 && !nothing ? [`${kept} up to date`] : []),
    ...(failed > 0 ? [`${failed} not made`] : []),
    ...(pending > 0 ? [`${pending} not finished`] : []),
  ]
  return {
    status: statusOf(exitCode),
    exitCode,
    words,
    headline: `${parts.join(', ')}.`,
    ...(error
      ? {error}
      : exitCode === ExitCode.done
        ? {}
        : {error: {message: `${count(failed + pending, 'picture')} not made.`}}),
    run,
    assets,
    report: result,
    outputDirectory: result.output_directory,
    outputs: {
      run,
      made: String(made),
      adopted: String(adopted),
      kept: String(kept),
      failed: String(failed),
      pending: String(pending),
      pictures: JSON.stringify(inWorkspace),
      'output-dir': shown(workspace, result.output_directory),
    },
  }
}

/** A path below the workspace as the next step would write it; elsewhere, absolute. */
function shown(workspace: string, path: string): string {
  const short = relative(workspace, path)
  return short.startsWith('..') ? path : short.split(sep).join('/') || '.'
}

async function performWait({settings}: TaskOf<'wait-idle'>, conduct: Conduct): Promise<Performance> {
  const {runWait, waitSummary} = await import('../face/run-wait.ts')
  const result = await runWait(settings, conduct)
  const {exit_code: exitCode, open, verdict, waited_seconds: waited, servers, error} = result
  const timedOut = !open && exitCode === ExitCode.done
  const word = open && verdict !== 'unknown' ? verdict : timedOut ? 'busy' : statusOf(exitCode)
  const names = servers.map(({server}) => server).join(', ')
  return {
    status: word,
    exitCode,
    words: waitSummary(result) || (error?.message ?? ''),
    headline: open
      ? `${names}: ${verdict}, after ${waited.toFixed(0)} s.`
      : `${names}: not ${settings.reverse ? 'busy' : 'idle'} after ${waited.toFixed(0)} s.`,
    ...(error ? {error} : {}),
    report: result,
    findings: servers.map(({server, state, reason}) => ({name: server, state, detail: reason})),
    outputs: {
      idle: String(open && !settings.reverse),
      'timed-out': String(timedOut || exitCode === ExitCode.deadline),
      'waited-seconds': String(waited),
    },
  }
}

async function performStatus(
  settings: TaskOf<'status' | 'doctor'>['settings'],
  conduct: Conduct,
): Promise<Performance> {
  const {runStatus} = await import('../face/run-status.ts')
  const {statusTable} = await import('../face/status-table.ts')
  const result = await runStatus(settings, {...conduct, show: () => {}})
  const {exit_code: exitCode, server_activity: activity, generations_running: running, error} = result
  return {
    status: statusOf(exitCode),
    exitCode,
    words: statusTable(result),
    headline: `${result.server_url} is ${result.status}, ${activity.state === 'idle' ? 'idle' : `${activity.state} (${activity.reason})`}.`,
    ...(error ? {error} : {}),
    report: result,
    sessions: [...result.active_generations, ...result.orphaned_generations].map(
      ({session_id: session, status: state, owner}) => {
        return {
          session,
          state,
          message: owner === 'dead' || owner === 'foreign' ? 'nobody goes on with it: run the command recover' : '',
        }
      },
    ),
    outputs: {idle: String(activity.state === 'idle'), 'generations-running': String(running)},
  }
}

async function performRecover({settings}: TaskOf<'recover'>, conduct: Conduct): Promise<Performance> {
  const {recoverSummary, runRecover} = await import('../face/run-recover.ts')
  const result = await runRecover(settings.manifest, settings, conduct)
  const {exit_code: exitCode, sessions, applied, error} = result
  const recovered = sessions.filter(({outcome, state}) => outcome === 'done' && state === 'completed').length
  return {
    status: statusOf(exitCode),
    exitCode,
    words: recoverSummary(result),
    headline: applied
      ? `${count(recovered, 'session')} completed, of ${sessions.length} to recover.`
      : `${count(sessions.length, 'session')} to recover; nothing was changed (apply: true does it).`,
    ...(error ? {error} : {}),
    report: result,
    sessions: sessions.map(({session, state, message}) => ({session, state, message})),
    outputs: {recovered: String(recovered)},
  }
}

async function performCancel({settings}: TaskOf<'cancel'>, conduct: Conduct): Promise<Performance> {
  const {cancelSummary, runCancel} = await import('../face/run-cancel.ts')
  const result = await runCancel(settings.session ?? [], settings, conduct)
  const {exit_code: exitCode, sessions, error} = result
  return {
    status: statusOf(exitCode),
    exitCode,
    words: cancelSummary(result),
    headline: sessions.length === 0 ? 'Nothing was active.' : `${count(sessions.length, 'session')} asked to stop.`,
    ...(error ? {error} : {}),
    report: result,
    sessions: sessions.map(({session, outcome, message}) => ({session, state: outcome, message})),
    outputs: {},
  }
}

async function performDoctor(
  settings: TaskOf<'status' | 'doctor'>['settings'],
  conduct: Conduct,
): Promise<Performance> {
  const {doctorReport, runDoctor} = await import('../face/run-doctor.ts')
  const result = await runDoctor(settings, conduct)
  const {exit_code: exitCode, checks, commands, server} = result
  const problem = checks.find(({state}) => state === 'problem')
  return {
    status: statusOf(exitCode),
    exitCode,
    words: doctorReport(result),
    headline:
      exitCode === ExitCode.done
        ? `A pipeline would work with ${server}.`
        : `A pipeline would not work with ${server}.`,
    ...(problem ? {error: {message: problem.detail, next: problem.next}} : {}),
    report: result,
    findings: [
      ...checks.map(({name, state, detail}) => ({name, state: state as string, detail})),
      ...commands.map(({command, works, detail}) => ({
        name: `ag ${command}`,
        state: `works ${works}`,
        detail: detail ?? '',
      })),
    ],
    outputs: {},
  }
}
