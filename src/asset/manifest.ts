import {open} from 'node:fs/promises'
import {dirname, resolve} from 'node:path'
import {systemCode, UsageError} from '../errors.ts'
import {foreignLine} from '../text.ts'
import type {Asset} from './asset.ts'
import {Claims} from './claims.ts'
import {declareAssets} from './declare.ts'
import {inherit} from './inherit.ts'
import {ManifestError, type ManifestProblem} from './manifest-error.ts'
import {parseManifestText} from './manifest-text.ts'
import {directoryProblem} from './output-path.ts'
import {manifestSchema} from './schema.ts'
import {explain} from './schema-problem.ts'

type ManifestPlace = Omit<ManifestProblem, 'message'>

export interface Manifest {
  /** Absolute. */
  readonly file: string
  /** Absolute; nothing is written outside of it. */
  readonly outputDirectory: string
  readonly assets: readonly Asset[]
  /** Where an asset is declared. */
  readonly placeOf: (asset: string) => ManifestPlace | undefined
}

const MAX_BYTES = 16 * 2 ** 20
const SMALLEST = 'The smallest manifest is:  assets: [{id: hello, prompt: a friendly robot waving, model: NAME}]'

/**
 * Reads and checks a manifest whole. Throws `ManifestError` with everything that is wrong in it, `UsageError` for a file
 * that cannot be read.
 */
export async function readManifest(path: string): Promise<Manifest> {
  const text = parseManifestText(path, await readText(path))
  const parsed = manifestSchema.safeParse(text.value ?? {}, {reportInput: true})
  if (!parsed.success) throw new ManifestError(explain(parsed.error.issues, text))
  const wrong = parsed.data.output === undefined ? undefined : directoryProblem(parsed.data.output)
  if (wrong !== undefined) throw new ManifestError([text.problem(['output'], wrong)])
  const file = resolve(path)
  const outputDirectory = resolve(dirname(file), parsed.data.output ?? 'assets')
  const problems: ManifestProblem[] = []
  const assets: Asset[] = []
  const claims = new Claims()
  const places = new Map<string, readonly (string | number)[]>()
  for (const {declaration, settings, group, path: where} of inherit(parsed.data)) {
    try {
      const declared = declareAssets({id: declaration.id, group, prompt: declaration.prompt, settings, outputDirectory})
      for (const asset of declared) {
        const clash = claims.claim(asset)
        places.set(asset.id, where)
        if (clash === undefined) assets.push(asset)
        else problems.push(text.problem([...where, 'id'], clash))
      }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      const {message, next} = error
      problems.push(text.problem(where, foreignLine(next === undefined ? message : `${message} ${next}`, 400)))
    }
  }
  if (problems.length > 0) throw new ManifestError(problems)
  if (assets.length === 0) throw new ManifestError([text.problem([], 'declares no assets')], SMALLEST)
  const placeOf: Manifest['placeOf'] = (asset) => {
    const where = places.get(asset)
    return where && text.problem(where, '')
  }
  return {file, outputDirectory, assets, placeOf}
}

async function readText(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r')
    const facts = await file.stat()
    if (!facts.isFile()) throw new UsageError(`${path} is not a file.`, {next: 'Name the manifest itself.'})
    if (facts.size > MAX_BYTES)
      throw new UsageError(`${path} is larger than ${MAX_BYTES / 2 ** 20} MiB.`, {next: 'Is that a manifest?'})
    return new TextDecoder('utf-8', {fatal: true}).decode(await file.readFile())
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`The manifest ${path} cannot be read: ${reason(error)}.`, {
      next: systemCode(error) === 'ENOENT' ? 'Check the path, or write a starter with: ag init' : undefined,
      cause: error,
    })
  }
}

function reason(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EISDIR':
      return 'it is a folder'
    case 'EACCES':
      return 'permission denied'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'it is not UTF-8 text'
    default:
      return systemCode(error) ?? String(error)
  }
}
