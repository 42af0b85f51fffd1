/**
 * Writes what the documents take from the code: the repository's address (from package.json), the commands' help and the
 * exit codes. With --check, says what is not fresh and exits 1.
 */
import {readFile, writeFile} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'
import {CommandHelp, Config} from '@oclif/core'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
process.env['NO_COLOR'] = '1'

const {repository} = JSON.parse(await readFile('package.json', 'utf8'))
const address = repository.url.replace(/^git\+/, '')
const folder = address.replace(/^.*\//, '').replace(/\.git$/, '')
const page = address.replace(/\.git$/, '')

const blocks: Readonly<Record<string, string>> = {
  'main-job': shell(
    `git clone ${address} && cd ${folder} && npm ci && npx ag generate fixtures/manifests/game.yaml --server mock`,
  ),
  verify: shell(`git clone ${address} && cd ${folder} && npm ci && npm run verify`),
  'schema-line': `\`\`\`yaml\n# yaml-language-server: $schema=${page.replace('github.com', 'raw.githubusercontent.com')}/main/manifest.schema.json\n\`\`\``,
}

const stale: string[] = []
for (const file of ['README.md', 'CONTRIBUTING.md']) await refresh(file, fillBlocks(await readFile(file, 'utf8')))
await refresh('docs/commands.md', await commandsPage())

if (stale.length > 0) {
  console.error(`Not fresh: ${stale.join(', ')}. Run npm run docs.`)
  process.exitCode = 1
}

async function refresh(file: string, content: string): Promise<void> {
  const current = await readFile(file, 'utf8').catch(() => '')
  if (current === content) return
  if (process.argv.includes('--check')) stale.push(file)
  else await writeFile(file, content)
}

function fillBlocks(text: string): string {
  return text.replace(/(<!-- begin:([\w-]+) -->\n)[\s\S]*?(<!-- end:\2 -->)/g, (_all, begin, name, end) => {
    const block = blocks[name]
    if (block === undefined) throw new Error(`There is no block "${name}".`)
    return `${begin}${block}\n${end}`
  })
}

async function commandsPage(): Promise<string> {
  const config = await Config.load(root)
  const commands = config.commands.filter(({hidden}) => !hidden).sort((a, b) => a.id.localeCompare(b.id))
  const parts = commands.map((command) => {
    const help = new CommandHelp(command, config, {maxWidth: 100, stripAnsi: true, all: false})
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
