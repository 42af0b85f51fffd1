import {isAbsolute, relative, resolve, sep} from 'node:path'
import type {Asset} from '../../asset/asset.ts'
import {findManifest} from '../../asset/find-manifest.ts'
import {readManifest} from '../../asset/manifest.ts'
import {ExitCode, UsageError} from '../../errors.ts'
import type {Conduct} from '../../face/conduct.ts'
import {count} from '../../face/count.ts'
import {assetsFromSettings, type ImageSettings} from '../../face/image-settings.ts'
import {type GenerateRun, runGenerate, summary} from '../../face/run-generate.ts'
import {runName} from '../../face/run-settings.ts'
import {workspaceOf} from '../../face/workspace.ts'
import type {GenerateResult} from '../../generation/generate-result.ts'
import {type AssetOutcome, isCompleted} from '../../generation/outcome.ts'
import {newRunId} from '../../session/run-id.ts'
import {promptsIn, withoutQuotes} from '../../session/without-prompts.ts'
import type {CommandOf} from '../inputs.ts'
import {type Performance, statusOf} from '../performance.ts'
import {hidesPrompts, type Step} from '../step.ts'

/** Makes the pictures of a manifest, or those of a prompt. */
export async function performGenerate(
  {settings, image}: CommandOf<'generate'>,
  {signal, report}: Conduct,
  step: Step,
): Promise<Performance> {
  const {workspace} = step.runner
  const {stateDir} = workspaceOf(settings)
  const manifest = image ? undefined : await readManifest(settings.manifest ?? (await findManifest('.')))
  const making = manifest ? {...runName(settings), ...manifest} : pictureOf(image)
  const hide = hidesPrompts(step) ? promptHider(making.assets) : (_asset: string, text: string) => text
  const result = await runGenerate(making, settings, {
    signal,
    report: (event) =>
      report('asset' in event && 'message' in event ? {...event, message: hide(event.asset, event.message)} : event),
  })
  const declared = new Map(making.assets.map((asset) => [asset.id, asset]))
  const assets = result.assets.map((outcome) => tellable(outcome, declared.get(outcome.asset), hide))
  return {
    ...describe({...result, assets}, {workspace, stateDir, force: settings.force}),
    ...(manifest ? {manifest} : {}),
  }
}

/** The picture of a prompt: a run of its own each time. */
function pictureOf(image: ImageSettings | undefined): GenerateRun {
  if (!image) throw new UsageError('There is neither a manifest nor a prompt.')
  const run = newRunId()
  return {run, resume: 'never', ...assetsFromSettings(image, run)}
}

/** Servers may quote the prompts that they stumbled over. */
function promptHider(assets: readonly Asset[]): (asset: string, text: string) => string {
  const prompts = new Map(assets.map(({id, parameters}) => [id, promptsIn(parameters)]))
  return (asset, text) => withoutQuotes(text, prompts.get(asset) ?? [])
}

/** An outcome as everybody may read it, with the seed that was asked for where none came back. */
function tellable(
  outcome: AssetOutcome,
  asset: Asset | undefined,
  hide: (asset: string, text: string) => string,
): AssetOutcome {
  const seed = outcome.seed ?? (asset?.randomSeed ? undefined : asset?.parameters['seed'])
  const told = {...outcome, ...(typeof seed === 'number' ? {seed} : {})}
  if (isCompleted(told) || !told.error) return told
  return {...told, error: {...told.error, message: hide(outcome.asset, told.error.message)}}
}

function describe(
  result: GenerateResult,
  {workspace, stateDir, force}: {readonly workspace: string; readonly stateDir: string; readonly force: boolean},
): Performance {
  const {made, adopted, kept, failed, pending, exit_code: exitCode, assets, error, run} = result
  const files = assets.filter(isCompleted).map(({picture}) => resolve(stateDir, ...picture.path.split('/')))
  const missing = {message: `${count(failed + pending, 'picture')} not made.`}
  return {
    status: statusOf(exitCode),
    exitCode,
    words: summary(result, {force}),
    headline: `${headline(result)}.`,
    ...(error ? {error} : exitCode === ExitCode.done ? {} : {error: missing}),
    run,
    assets,
    report: result,
    pictures: {root: result.output_directory, files},
    outputs: {
      run,
      made: String(made),
      adopted: String(adopted),
      kept: String(kept),
      failed: String(failed),
      pending: String(pending),
      pictures: JSON.stringify(files.map((path) => shown(workspace, path))),
      'output-dir': shown(workspace, result.output_directory),
    },
  }
}

function headline({made, adopted, kept, failed, pending}: GenerateResult): string {
  const parts = [
    made + failed + pending === 0 ? 'nothing had to be made' : `${count(made, 'picture')} made`,
    ...(adopted > 0 ? [`${adopted} found that an earlier run got finished`] : []),
    ...(kept > 0 ? [`${kept} up to date`] : []),
    ...(failed > 0 ? [`${failed} not made`] : []),
    ...(pending > 0 ? [`${pending} not finished`] : []),
  ]
  return parts.join(', ')
}

/** A path below the workspace as the next step would write it; elsewhere, absolute. */
function shown(workspace: string, path: string): string {
  const short = relative(workspace, path)
  return short.startsWith('..') || isAbsolute(short) ? path : short.split(sep).join('/') || '.'
}
