/**
 * Builds the command line that is shipped: one bundle with a chunk for each command, so that `ag` starts quickly and its users install
 * nothing else, and oclif's manifest, so that starting it loads only the command that runs.
 */
import {readdir, rm, writeFile} from 'node:fs/promises'
import {Plugin} from '@oclif/core'
import {build} from 'esbuild'
import {bundleOptions, licences, root} from './esbuild-options.ts'

process.chdir(root)

await rm('lib', {recursive: true, force: true})
const commands = (await readdir('commands', {recursive: true})).filter((name) => name.endsWith('.ts'))
const {metafile} = await build({
  ...bundleOptions,
  entryPoints: [
    {in: 'src/cli/main.ts', out: 'main'},
    {in: 'src/cli/command-not-found.ts', out: 'command-not-found'},
    ...commands.map((name) => ({in: `commands/${name}`, out: `commands/${name.replace(/\.ts$/, '')}`})),
  ],
  outdir: 'lib',
  target: 'node22.19',
  // oclif looks for it when it runs TypeScript sources, which the built program never does.
  external: ['typescript'],
})

await writeFile('lib/THIRD-PARTY-LICENSES.txt', await licences(Object.keys(metafile.inputs)))

const plugin = new Plugin({root, ignoreManifest: true, errorOnManifestCreate: true, respectNoCacheDefault: true})
await plugin.load()
// The sources break their lines where an editor does; a terminal has a width of its own.
for (const command of Object.values(plugin.manifest.commands)) {
  if (command.description) command.description = command.description.replace(/(\S)\n(?=\S)/g, '$1 ')
  // Twenty flags on three lines say less than the list of them below.
  const words = Object.values(command.args).map(({name, required}) => {
    const word = `${name.toUpperCase()}${command.strict === false ? ' ...' : ''}`
    return required ? word : `[${word}]`
  })
  const needed = Object.values(command.flags).flatMap(({name, required}) =>
    required ? `--${name} ${name.toUpperCase()}` : [],
  )
  command.usage ??= ['<%= command.id %>', ...words, ...needed, '[FLAGS]'].join(' ')
}
// They come in the order in which their folders happened to be read.
const sorted = Object.entries(plugin.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1))
const manifest = {...plugin.manifest, commands: Object.fromEntries(sorted)}
await writeFile('oclif.manifest.json', `${JSON.stringify(manifest, null, 2)}\n`)
