import {access, constants, stat} from 'node:fs/promises'
import {dirname} from 'node:path'
import type {Asset} from '../asset/asset.ts'
import {confine} from '../asset/output-path.ts'
import type {Context} from '../context.ts'
import {NoBackendError, storageError, UsageError} from '../errors.ts'
import {isForeignFile, notFolder} from './make-room.ts'

interface PreflightOptions {
  readonly assets: readonly Asset[]
  readonly outputDirectory: string
  readonly workspace: string
  readonly overwrite: boolean
  readonly allowFuzzyModel: boolean
}

const NAMED_AT_MOST = 10

/**
 * Everything that can be known to fail is found here, before a request is sent or a byte written. Returns the assets with
 * the server's own spelling of model names.
 *
 * Throws `UsageError` for outputs and parameters, `NoBackendError` for a server that could not make a picture.
 */
export async function preflight(context: Context, options: PreflightOptions): Promise<readonly Asset[]> {
  await refuseForeignOutputs(context, options)
  const {usable, note} = await context.server.readiness(context.signal)
  if (!usable) {
    throw new NoBackendError(`${context.server.address} cannot make pictures now. ${note ?? ''}`.trim(), {
      next: "See the server's Backends tab.",
    })
  }
  if (note) context.report({event: 'notice', message: note})
  return checkParameters(context, options)
}

async function checkParameters({server, signal}: Context, options: PreflightOptions): Promise<readonly Asset[]> {
  const problems = new Map<string, {error: UsageError; assets: string[]}>()
  const checked: Asset[] = []
  for (const asset of options.assets) {
    try {
      const parameters = await server.check(asset.parameters, {signal, allowFuzzyModel: options.allowFuzzyModel})
      checked.push({...asset, parameters})
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      const known = problems.get(error.message) ?? {error, assets: []}
      known.assets.push(asset.id)
      problems.set(error.message, known)
    }
  }
  if (problems.size === 0) return checked
  throw new AssetsRefusedError([...problems.values()])
}

/** What assets ask for that the server does not have; the same of several only once. */
export class AssetsRefusedError extends UsageError {
  override readonly name = 'AssetsRefusedError'
  readonly refusals: readonly {readonly assets: readonly string[]; readonly message: string}[]

  constructor(problems: readonly {readonly error: UsageError; readonly assets: readonly string[]}[]) {
    const refusals = problems.map(({error, assets}) => {
      const named = assets.slice(0, 3).join(', ')
      const more = assets.length > 3 ? ` and ${assets.length - 3} more` : ''
      return {assets, message: `${error.message} (asset ${named}${more}) ${error.next ?? ''}`.trim()}
    })
    super(refusals.map(({message}) => message).join('\n'))
    this.refusals = refusals
  }
}

/** A file in the way that is not known to be ours stays: it may be somebody's drawing. */
async function refuseForeignOutputs(context: Context, options: PreflightOptions): Promise<void> {
  const foreign: string[] = []
  let known: Promise<ReadonlyMap<string, string>> | undefined
  const recorded = (): Promise<ReadonlyMap<string, string>> => (known ??= context.sessions.recordedPictures())
  for (const asset of options.assets) {
    const path = asset.pathFor(asset.expectedFormat)
    await confine(options.outputDirectory, path)
    if (options.overwrite) continue
    if (await isForeignFile(context, options.workspace, asset, path, recorded)) foreign.push(path)
  }
  if (foreign.length === 0) return
  const more = foreign.length > NAMED_AT_MOST ? `\n  and ${foreign.length - NAMED_AT_MOST} more` : ''
  throw new UsageError(
    `Files are in the way that ag did not make:\n  ${foreign.slice(0, NAMED_AT_MOST).join('\n  ')}${more}`,
    {next: 'Move them away, choose another output path, or pass --overwrite to replace them.'},
  )
}

/**
 * Finds folders that cannot be written before there are pictures for them. Throws `StorageError` that names the first, and `UsageError`
 * for what is no folder.
 */
export async function refuseUnwritable(assets: readonly Asset[]): Promise<void> {
  const folders = new Set(assets.map((asset) => dirname(asset.pathFor(asset.expectedFormat))))
  for (const folder of new Set(await Promise.all([...folders].map(nearestExisting)))) {
    if (!(await stat(folder)).isDirectory()) throw notFolder(folder)
    await access(folder, constants.W_OK | constants.X_OK).catch((error: unknown) => {
      throw storageError(folder, error)
    })
  }
}

async function nearestExisting(folder: string): Promise<string> {
  const parent = dirname(folder)
  if (parent === folder) return folder
  return (await stat(folder).catch(() => undefined)) ? folder : nearestExisting(parent)
}
