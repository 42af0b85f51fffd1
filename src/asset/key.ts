import {createHash} from 'node:crypto'
import type {Asset} from './asset.ts'

/**
 * What an asset's picture depends on, as one word: its id and all parameters as they are sent. With a random seed the seed is
 * left out: any picture of such an asset is as good as another. Placeholders of the embedded mock are pictures of their own.
 */
export function assetKey(
  {
    id,
    parameters,
    randomSeed,
  }: Pick<Asset, 'id' | 'randomSeed'> & {readonly parameters: Readonly<Record<string, unknown>>},
  {address}: {readonly address: string},
): string {
  const sent = Object.entries(randomSeed ? {...parameters, seed: 'random'} : parameters)
  const sorted = sent.sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([id, sorted, ...(address === 'mock' ? ['mock'] : [])]))
    .digest('hex')
    .slice(0, 32)
}

/**
 * The seed by which pictures of one key are told apart: with a random seed each has its own. `undefined` where the key has the seed in
 * it, and where a preset of the server's user may have put another in its place.
 */
export function seedBesideKey(
  key: string | undefined,
  {
    randomSeed = false,
    parameters,
  }: {readonly randomSeed?: boolean; readonly parameters: Readonly<Record<string, unknown>>},
): number | undefined {
  if ((key !== undefined && !randomSeed) || usesPreset(parameters)) return undefined
  const {seed} = parameters
  return typeof seed === 'number' && Number.isSafeInteger(seed) && seed >= 0 ? seed : undefined
}

/** Presets are named in a key of the request, or in a prompt: `<preset:name>`, `<p:name>`. */
function usesPreset(parameters: Readonly<Record<string, unknown>>): boolean {
  const {presets} = parameters
  if (presets !== undefined && !(Array.isArray(presets) && presets.length === 0)) return true
  return Object.values(parameters).some((value) => typeof value === 'string' && /<p(reset)?:/i.test(value))
}
