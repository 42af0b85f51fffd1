import type {AssetDeclaration, GroupDeclaration, ManifestDeclaration, Settings} from './schema.ts'

/** A declared asset with all that is set around it, and where it stands in the document. */
export interface Inherited {
  readonly declaration: AssetDeclaration
  readonly settings: Settings
  readonly group: string
  readonly path: readonly (string | number)[]
}

/** Walks a manifest from the outside in: what is set nearer wins, `params` key by key. */
export function* inherit(manifest: ManifestDeclaration): Generator<Inherited> {
  const root = manifest.defaults ?? {}
  yield* assetsOf(manifest.assets, root, '', ['assets'])
  yield* groupsOf(manifest.groups, root, '', ['groups'])
}

function* groupsOf(
  groups: readonly GroupDeclaration[] | null | undefined,
  outer: Settings,
  outerName: string,
  path: readonly (string | number)[],
): Generator<Inherited> {
  for (const [at, {name, assets, groups: nested, ...own}] of (groups ?? []).entries()) {
    const settings = merge(outer, own)
    const group = outerName === '' ? name : `${outerName}/${name}`
    yield* assetsOf(assets, settings, group, [...path, at, 'assets'])
    yield* groupsOf(nested, settings, group, [...path, at, 'groups'])
  }
}

function* assetsOf(
  assets: readonly AssetDeclaration[] | null | undefined,
  outer: Settings,
  group: string,
  path: readonly (string | number)[],
): Generator<Inherited> {
  for (const [at, declaration] of (assets ?? []).entries()) {
    const {id: _id, prompt: _prompt, ...own} = declaration
    yield {declaration, settings: merge(outer, own), group, path: [...path, at]}
  }
}

function merge(outer: Settings, own: Settings): Settings {
  const params = {...outer.params, ...own.params}
  return {...outer, ...own, ...(Object.keys(params).length > 0 ? {params} : {})}
}
