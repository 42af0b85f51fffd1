import {readdir, readFile} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'
import type {BuildOptions} from 'esbuild'
import {replaceModules} from './replace-modules.ts'

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
    replaceModules,
    {
      name: 'required-http',
      // Importing it as a module has Node read each of its exports, and one of them loads the whole of Node's own undici.
      setup({onResolve, onLoad}) {
        onResolve({filter: /^(node:)?https?$/}, ({kind, path}) =>
          kind === 'import-statement' ? {path, namespace: 'required'} : undefined,
        )
        onLoad({filter: /./, namespace: 'required'}, ({path}) => ({contents: `module.exports = require('${path}')`}))
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
