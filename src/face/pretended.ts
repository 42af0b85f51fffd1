import type {Asset} from '../asset/asset.ts'

/** Models and LoRAs that the mock in this process is to have beside its own. */
export interface Pretended {
  readonly models: readonly string[]
  readonly loras: readonly string[]
}

/**
 * What a manifest names that no mock can have: those of the server it is written for. Its own names begin with `mock/`, so
 * that a misspelt one of them is still found.
 */
export function pretendedFor(assets: readonly Asset[]): Pretended {
  const named = (parameter: string): string[] => {
    const names = assets.flatMap(({parameters}) => parameters[parameter] ?? []).map((name) => String(name).trim())
    return [...new Set(names)].filter((name) => name !== '' && !name.startsWith('mock/'))
  }
  return {models: named('model'), loras: named('loras')}
}
