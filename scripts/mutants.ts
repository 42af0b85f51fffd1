/**
 * Plants each bug of test/faults/mutations.ts in a copy of the sources and runs the tests that must notice it:
 * `npm run faults:mutants`. A bug that nobody notices ends it with exit code 1; so does a test that fails without one.
 */
import {cp, mkdtemp, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {execa} from 'execa'
import {MUTATIONS, type Mutation} from '../test/faults/mutations.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const copy = await mkdtemp(join(tmpdir(), 'ag-mutants-'))
const PARTS = [
  'src',
  'commands',
  'test',
  'bin',
  'scripts',
  'fixtures',
  'package.json',
  'jest.config.js',
  'README.md',
  'CHANGELOG.md',
]

try {
  for (const part of PARTS) await cp(join(root, part), join(copy, part), {recursive: true})
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  await build()
  const all = [...new Set(MUTATIONS.flatMap(({tests}) => tests))]
  if (!(await pass({tests: all}))) throw new Error('The tests fail without a planted bug, so they prove nothing.')
  let survivors = 0
  for (const mutation of MUTATIONS) {
    const caught = await isCaught(mutation)
    if (!caught) survivors++
    console.log(`${caught ? '✓ caught  ' : '✗ SURVIVES'}  ${mutation.name}`)
  }
  console.log(`${MUTATIONS.length - survivors} of ${MUTATIONS.length} planted bugs were caught.`)
  process.exitCode = survivors === 0 ? 0 : 1
} finally {
  await rm(copy, {recursive: true, force: true})
}

async function isCaught(mutation: Mutation): Promise<boolean> {
  const path = join(copy, mutation.file)
  const text = await readFile(path, 'utf8')
  const parts = text.split(mutation.find)
  if (parts.length !== 2) throw new Error(`"${mutation.find}" stands ${parts.length - 1} times in ${mutation.file}.`)
  await writeFile(path, withImports(parts.join(mutation.replace), mutation))
  try {
    await build()
    return !(await pass(mutation))
  } finally {
    await writeFile(path, text)
  }
}

/** A planted line may need a function of node:fs that its file does not import. */
function withImports(text: string, {replace}: Mutation): string {
  const needed = ['writeFileSync', 'rmSync'].filter((name) => replace.includes(name) && !text.includes(`${name},`))
  const missing = needed.filter((name) => !new RegExp(`import \\{[^}]*\\b${name}\\b`).test(text))
  return missing.length === 0 ? text : `import {${missing.join(', ')}} from 'node:fs'\n${text}`
}

async function build(): Promise<void> {
  await execa(process.execPath, ['scripts/build.ts'], {cwd: copy})
}

async function pass({tests, only}: Pick<Mutation, 'tests' | 'only'>): Promise<boolean> {
  const words = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--bail', '--silent']
  const pattern = only === undefined ? [] : ['--testNamePattern', only]
  const options = {cwd: copy, reject: false, timeout: 300_000} as const
  const {exitCode} = await execa(process.execPath, [...words, ...tests, ...pattern], options)
  return exitCode === 0
}
