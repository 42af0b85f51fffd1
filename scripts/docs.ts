/**
 * Writes what the documents take from the code: the repository's address (from package.json), the commands' help and the
 * JSON Schema of the manifest, the mock's options, the action's inputs and the commit that workflows pin it by. With --check, says what is not fresh and exits 1.
 */
import {readFileSync} from 'node:fs'
import {readdir, readFile, writeFile} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'
import {CommandHelp, Config} from '@oclif/core'
import {parse} from 'yaml'
import * as z from 'zod'
import {manifestSchema} from '../src/asset/schema.ts'
import {controlSchema, optionsSchema} from '../src/server/mock/options.ts'
import {flagsForAction, inputBlock} from './action-inputs.ts'
import {contactSheet} from './contact-sheet.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
process.env['NO_COLOR'] = '1'

const {repository, version, config} = JSON.parse(await readFile('package.json', 'utf8'))
const address = repository.url.replace(/^git\+/, '')
const folder = address.replace(/^.*\//, '').replace(/\.git$/, '')
const page = address.replace(/\.git$/, '')

const schemaAddress = `${page.replace('github.com', 'raw.githubusercontent.com')}/main/manifest.schema.json`

/** How workflows name our action: by the commit of its newest version, which is what package.json says. */
const OURS = new RegExp(`uses: [\\w.-]+/${folder}((?:/[\\w./-]+)?)@[0-9a-f]{40} # \\S+`, 'g')

const blocks: Readonly<Record<string, string | (() => string)>> = {
  'main-job': shell(
    `git clone ${address} && cd ${folder} && npm ci && npx ag generate fixtures/manifests/game.yaml --server mock`,
  ),
  verify: shell(`git clone ${address} && cd ${folder} && npm ci && npm run verify`),
  'schema-line': shell(`# yaml-language-server: $schema=${schemaAddress}`, 'yaml'),
  'quick-start': () => `\`\`\`yaml\n${readFileSync('.github/examples/quick-start.yml', 'utf8').trimEnd()}\n\`\`\``,
  'action-inputs': () => actionTable('inputs'),
  'action-outputs': () => actionTable('outputs'),
  'mock-options': optionTable(z.toJSONSchema(optionsSchema, {io: 'input'}), ['host', 'port']),
  'mock-control': Object.keys(controlSchema.shape)
    .map((key) => `\`${key}\``)
    .join(', '),
}

const stale: string[] = []
await refresh('action.yml', await actionMetadata())
for (const file of await workflowsOfOthers()) await refresh(file, pinned(await readFile(file, 'utf8')))
for (const file of ['README.md', 'CONTRIBUTING.md']) await refresh(file, fillBlocks(await readFile(file, 'utf8')))
await refresh('docs/commands.md', await commandsPage())
await refresh('docs/mock.md', fillBlocks(await readFile('docs/mock.md', 'utf8')))
await refresh('manifest.schema.json', schemaFile())
await refresh('docs/contact-sheet.png', await contactSheet('fixtures/manifests/game.yaml'))

if (stale.length > 0) {
  console.error(`Not fresh: ${stale.join(', ')}. Run npm run docs.`)
  process.exitCode = 1
}

async function refresh(file: string, content: string | Uint8Array): Promise<void> {
  const current = await readFile(file).catch(() => undefined)
  if (current?.equals(Buffer.from(content))) return
  if (process.argv.includes('--check')) stale.push(file)
  else await writeFile(file, content)
}

function fillBlocks(text: string): string {
  return text.replace(/(<!-- begin:([\w-]+) -->\n)[\s\S]*?(<!-- end:\2 -->)/g, (_all, begin, name, end) => {
    const block = blocks[name]
    if (block === undefined) throw new Error(`There is no block "${name}".`)
    return `${begin}${typeof block === 'string' ? block : block()}\n${end}`
  })
}

/** The workflows that other repositories copy or call. */
async function workflowsOfOthers(): Promise<string[]> {
  const examples = await readdir('.github/examples')
  return [...examples.map((name) => `.github/examples/${name}`), '.github/workflows/generate.yml']
}

function pinned(workflow: string): string {
  const owner = page.split('/').slice(-2).join('/')
  return workflow.replace(OURS, (_all, path) => `uses: ${owner}${path}@${config.actionRef} # ${version}`)
}

/** action.yml with the inputs that are flags of the command line. */
async function actionMetadata(): Promise<string> {
  const {commands} = await Config.load(root)
  const text = await readFile('action.yml', 'utf8')
  const flags = inputBlock(flagsForAction(commands))
  return text.replace(/( *# begin:flags\n)[\s\S]*?( *# end:flags)/, (_all, begin, end) => `${begin}${flags}\n${end}`)
}

/** The action's inputs or outputs, as action.yml has them. */
function actionTable(kind: 'inputs' | 'outputs'): string {
  const entries: Readonly<Record<string, {description: string; default?: string}>> = parse(
    readFileSync('action.yml', 'utf8'),
  )[kind]
  const rows = Object.entries(entries)
    .filter(([name]) => !name.startsWith('_'))
    .map(([name, {description, default: preset}]) => {
      const text = description.replaceAll('|', '\\|')
      return kind === 'inputs'
        ? `| \`${name}\` | ${text} | ${preset ? `\`${preset}\`` : ''} |`
        : `| \`${name}\` | ${text} |`
    })
  const head =
    kind === 'inputs'
      ? ['| input | what it does | default |', '| --- | --- | --- |']
      : ['| output | what it says |', '| --- | --- |']
  return [...head, ...rows].join('\n')
}

async function commandsPage(): Promise<string> {
  const config = await Config.load(root)
  const commands = config.commands.filter(({hidden}) => !hidden).sort((a, b) => a.id.localeCompare(b.id))
  const parts = commands.map((command) => {
    const help = new CommandHelp({...command, id: command.id.replaceAll(':', ' ')}, config, {
      maxWidth: 100,
      stripAnsi: true,
      all: false,
    })
    return `## \`ag ${command.id.replaceAll(':', ' ')}\`\n\n${command.summary ?? ''}\n\n${shell(help.generate(), 'text')}`
  })
  const index = commands.map(({id, summary}) => {
    const name = `ag ${id.replaceAll(':', ' ')}`
    return `- [\`${name}\`](#${name.replaceAll(' ', '-')}): ${summary ?? ''}`
  })
  return `# Commands\n\n<!-- Written by scripts/docs.ts from the commands themselves. -->\n\n${index.join('\n')}\n\n${parts.join('\n\n')}\n`
}

function shell(text: string, language = 'sh'): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

/** The manifest's schema as editors read it; generated from what validates it. */
function schemaFile(): string {
  const schema = z.toJSONSchema(manifestSchema, {io: 'input', target: 'draft-7'})
  return `${JSON.stringify({$schema: schema['$schema'], $id: schemaAddress, ...schema}, null, 2)}\n`
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly description?: string
  readonly default?: unknown
  readonly type?: string
  readonly enum?: readonly unknown[]
}

/** A table of options, nested ones with their path, each with what it means and its default. */
function optionTable(schema: unknown, without: readonly string[]): string {
  const rows: string[] = []
  const walk = ({properties = {}}: JsonSchema, path: string): void => {
    for (const [key, option] of Object.entries(properties)) {
      if (path === '' && without.includes(key)) continue
      const nested = option.items ?? option
      const choice = nested.enum ? ` One of ${nested.enum.map((value) => `\`${value}\``).join(', ')}.` : ''
      const preset = option.default === undefined || nested.properties ? '' : `\`${JSON.stringify(option.default)}\``
      rows.push(`| \`${path}${key}${option.items ? '[]' : ''}\` | ${(option.description ?? '') + choice} | ${preset} |`)
      walk(nested, `${path}${key}${option.items ? '[]' : ''}.`)
    }
  }
  walk(schema as JsonSchema, '')
  return ['| option | what it does | default |', '| --- | --- | --- |', ...rows].join('\n')
}
