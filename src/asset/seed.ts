import {createHash, randomInt} from 'node:crypto'

/** How a manifest gives a seed: a number, `random`, or nothing, which derives it from the asset's id. */
export type SeedSetting = number | 'random' | undefined

const RANDOM_BELOW = 2 ** 32

/** A new seed: further ones count up from it, so that it alone tells how to make the same pictures again. */
export function newSeed(random = randomInt): number {
  return random(RANDOM_BELOW)
}

/**
 * The seed of an asset's picture number `index` (from 0). A derived seed depends on the declared id alone, so that adding,
 * moving or removing other assets changes no picture. Like the server, consecutive pictures count up from the first.
 */
export function seedFor(setting: SeedSetting, id: string, index: number, random = randomInt): number {
  if (typeof setting === 'number') return setting + index
  if (setting === 'random') return newSeed(random)
  return (createHash('sha256').update(id).digest().readUInt32BE(0) + index) % RANDOM_BELOW
}
