/**
 * Builds what is shipped: one bundle with a chunk for each command, so that `ag` starts quickly and its users install
 * nothing else, and oclif's manifest, so that starting it loads only the command that runs.
 */
import {readdir, rm, writeFile} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'
import {Plugin} from '@oclif/core'
import {build} from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

await rm('dist', {recursive: true, force: true})
const commands = (await readdir('commands', {recursive: true})).filter((name) => name.endsWith('.ts'))
await build({
  entryPoints: [
    {in: 'src/cli/main.ts', out: 'main'},
    ...commands.map((name) => ({in: `commands/${name}`, out: `commands/${name.replace(/\.ts$/, '')}`})),
  ],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  target: 'node22.19',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
  banner: {
    // The CommonJS packages in the bundle call `require` for Node's own modules and look for `__dirname`.
    js: [
      "import {createRequire as __createRequire} from 'node:module'",
      "import {fileURLToPath as __fileURLToPath} from 'node:url'",
      'const require = __createRequire(import.meta.url)',
      "const __filename = __fileURLToPath(import.meta.url), __dirname = __fileURLToPath(new URL('.', import.meta.url))",
    ].join(';'),
  },
})

const plugin = new Plugin({root, ignoreManifest: true, errorOnManifestCreate: true, respectNoCacheDefault: true})
await plugin.load()
await writeFile('oclif.manifest.json', `${JSON.stringify(plugin.manifest, null, 2)}\n`)
