/**
 * Builds the action's bundle, dist/, which is committed: who uses the action runs these very bytes. With --check, says whether
 * they are what the sources give, and exits 1 if not.
 */
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {build} from 'esbuild'
import {bundleOptions, licences, root} from './esbuild-options.ts'

process.chdir(root)
const check = process.argv.includes('--check')
const outdir = check ? await mkdtemp('.bundle-') : 'dist'
try {
  await bundle(outdir)
  if (check) await compare(outdir)
} finally {
  if (check) await rm(outdir, {recursive: true, force: true})
}

async function bundle(folder: string): Promise<void> {
  await rm(folder, {recursive: true, force: true})
  const {version} = JSON.parse(await readFile('package.json', 'utf8'))
  const {metafile} = await build({
    ...bundleOptions,
    entryPoints: ['src/action/main.ts', 'src/action/post.ts'],
    outdir: folder,
    target: 'node24',
    minify: true,
    keepNames: true,
    define: {'process.env.AG_VERSION': JSON.stringify(version)},
    plugins: [
      ...bundleOptions.plugins,
      {
        name: 'pure-actions',
        // Their modules, and what those import, do nothing when they are loaded, but do not say so: what is not used is left out.
        setup: ({onResolve, resolve}) =>
          onResolve({filter: /./}, async ({path, pluginData, ...rest}) => {
            if (pluginData === 'pure' || !`${rest.importer} ${path}`.includes('@actions/')) return undefined
            return {...(await resolve(path, {...rest, pluginData: 'pure'})), sideEffects: false}
          }),
      },
    ],
  })
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), await licences(Object.keys(metafile.inputs)))
}

async function compare(fresh: string): Promise<void> {
  const names = new Set((await Promise.all(['dist', fresh].map(filesOf))).flat())
  const stale: string[] = []
  for (const name of names) {
    const [ours, theirs] = await Promise.all([join('dist', name), join(fresh, name)].map(readOrNothing))
    if (!ours || !theirs?.equals(ours)) stale.push(name)
  }
  if (stale.length === 0) return
  console.error(`Not fresh in dist/: ${stale.join(', ')}. Run npm run bundle.`)
  process.exitCode = 1
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, {recursive: true, withFileTypes: true}).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map(({parentPath, name}) => join(parentPath, name).slice(folder.length + 1))
}

function readOrNothing(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch(() => undefined)
}
