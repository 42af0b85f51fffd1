import {readdir, readFile} from 'node:fs/promises'
import {builtinModules, createRequire} from 'node:module'
import {fileURLToPath} from 'node:url'
import type {BuildOptions} from 'esbuild'

/** The folder of the package. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** What both bundles, the command line's and the action's, are made with: chunks that are loaded when they are needed. */
export const bundleOptions = {
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  plugins: [
    {
      name: 'undici-pool',
      // For others, too: @actions/http-client only takes a proxy agent from it, for callers that we do not have.
      setup: ({onResolve}) => onResolve({filter: /^undici$/}, () => ({path: `${root}scripts/undici-pool.cjs`})),
    },
    {
      name: 'required-builtins',
      // Importing one of Node's own modules has Node read each of its exports, and some of them load much that nobody asked for: 20 ms
      // of http, 5 of process and of crypto. Here only those are read that somebody uses.
      setup({onResolve, onLoad}) {
        const builtins = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]))
        onResolve({filter: /./}, ({kind, path}) =>
          kind === 'import-statement' && builtins.has(path)
            ? {path: path.replace(/^(?!node:)/, 'node:'), namespace: 'required'}
            : undefined,
        )
        onLoad({filter: /./, namespace: 'required'}, ({path}) => ({contents: requiring(path)}))
      },
    },
  ],
  logLevel: 'warning',
  metafile: true,
  banner: {
    // The CommonJS packages in the bundle call `require` for Node's own modules and look for `__dirname`.
    js: [
      "import {createRequire as __createRequire} from 'node:module'",
      "import {fileURLToPath as __fileURLToPath} from 'node:url'",
      'const require = __createRequire(import.meta.url)',
      "const __filename = __fileURLToPath(import.meta.url), __dirname = __fileURLToPath(new URL('.', import.meta.url))",
    ].join(';'),
  },
} as const satisfies BuildOptions

/** The licences of the packages that the bundle contains: most of them ask to be passed on with the code. */
export async function licences(inputs: readonly string[]): Promise<string> {
  const folders = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))
  const texts = [...folders].sort().map(async (folder) => {
    const {name, version, license} = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
    const files = (await readdir(folder)).filter((file) => /licen[cs]e/i.test(file))
    const text = await Promise.all(files.map((file) => readFile(`${folder}/${file}`, 'utf8')))
    return `${name} ${version} (${license})\n\n${text.join('\n').trim()}\n`
  })
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`)
}

const require = createRequire(import.meta.url)

/** A module that has what Node's own has, each export read only if it is used: what is pure and unused is left out of the bundle. */
function requiring(builtin: string): string {
  const names = Object.getOwnPropertyNames(require(builtin)).filter(
    (name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default',
  )
  const exports = names.map((name) => `export const ${name} = /* @__PURE__ */ __read('${name}')`)
  return [
    `const __builtin = require('${builtin}')`,
    'const __read = (name) => __builtin[name]',
    'export default __builtin',
    ...exports,
  ].join('\n')
}
