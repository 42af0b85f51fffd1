import {readFile} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'
import type {Plugin} from 'esbuild'

/** Modules that the bundles have a file of scripts/instead-of/ for, by who asks for them. */
const REPLACED = [
  // @actions/http-client, too, is served by our part of it: it only takes a proxy agent, for callers that we do not have.
  {module: /^undici$/, by: 'undici'},
  // A second parser and HTTP/2, which are off.
  {module: /(milo\/(no-)?simd|client-h2)\.js$/, of: /undici/, by: 'left-out'},
  // To find commands and plugins where there is no manifest, and to warn of an old Node by a package.json that no bundle has.
  {module: /^(tinyglobby|minimatch|semver)$/, of: /@oclif/, by: 'left-out'},
  {module: /^wsl-utils$/, of: /@oclif/, by: 'wsl-utils'},
  // Only for artifacts of other runs, which the action never asks for: a client of GitHub's REST API and a third undici.
  {module: /^@(actions\/github|octokit\/)/, by: 'left-out'},
]

/** Leaves out what is never used, and what is slow to load for what it does. */
export const replaceModules: Plugin = {
  name: 'replace-modules',
  setup({onResolve, onLoad}) {
    for (const {module, of = /./, by} of REPLACED) {
      const path = fileURLToPath(new URL(`instead-of/${by}.cjs`, import.meta.url))
      onResolve({filter: module}, ({importer}) => (of.test(importer) ? {path} : undefined))
    }
    onLoad({filter: /@oclif.core.lib.config.plugin\.js$/}, async ({path}) => {
      const text = await readFile(path, 'utf8')
      // The order of a language would have V8 load ICU's rules, at each start.
      const contents = text.replace('a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)')
      if (contents === text) throw new Error(`${path} no longer sorts the commands by localeCompare.`)
      return {contents}
    })
  },
}
