/**
 * Builds what is shipped: one bundle with a chunk for each command, so that `ag` starts quickly and its users install
 * nothing else, and oclif's manifest, so that starting it loads only the command that runs.
 */
import {readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'
import {Plugin} from '@oclif/core'
import {build} from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

await rm('lib', {recursive: true, force: true})
const commands = (await readdir('commands', {recursive: true})).filter((name) => name.endsWith('.ts'))
const {metafile} = await build({
  entryPoints: [
    {in: 'src/cli/main.ts', out: 'main'},
    ...commands.map((name) => ({in: `commands/${name}`, out: `commands/${name.replace(/\.ts$/, '')}`})),
  ],
  outdir: 'lib',
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  target: 'node22.19',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // oclif looks for it when it runs TypeScript sources, which the built program never does.
  external: ['typescript'],
  plugins: [
    {
      name: 'undici-pool',
      setup: ({onResolve}) => onResolve({filter: /^undici$/}, () => ({path: `${root}scripts/undici-pool.cjs`})),
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
})

await writeFile('lib/THIRD-PARTY-LICENSES.txt', await licences(Object.keys(metafile.inputs)))

const plugin = new Plugin({root, ignoreManifest: true, errorOnManifestCreate: true, respectNoCacheDefault: true})
await plugin.load()
await writeFile('oclif.manifest.json', `${JSON.stringify(plugin.manifest, null, 2)}\n`)

/** The licences of the packages that the bundle contains: most of them ask to be passed on with the code. */
async function licences(inputs: readonly string[]): Promise<string> {
  const folders = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))
  const texts = [...folders].sort().map(async (folder) => {
    const {name, version, license} = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
    const files = (await readdir(folder)).filter((file) => /licen[cs]e/i.test(file))
    const text = await Promise.all(files.map((file) => readFile(`${folder}/${file}`, 'utf8')))
    return `${name} ${version} (${license})\n\n${text.join('\n').trim()}\n`
  })
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`)
}
