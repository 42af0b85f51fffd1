import {createHash} from 'node:crypto'
import type {Asset} from './asset.ts'

/**
 * What an asset's picture depends on, as one word: its id and all parameters as they are sent. With a random seed the seed is
 * left out: any picture of such an asset is as good as another. Placeholders of the embedded mock are pictures of their own.
 */
export function assetKey(
  {id, parameters, randomSeed}: Pick<Asset, 'id' | 'parameters' | 'randomSeed'>,
  {address}: {readonly address: string},
): string {
  const sent = Object.entries(randomSeed ? {...parameters, seed: 'random'} : parameters)
  const sorted = sent.sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([id, sorted, ...(address === 'mock' ? ['mock'] : [])]))
    .digest('hex')
    .slice(0, 32)
}
