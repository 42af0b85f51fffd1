import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {validate} from '@actions/languageservice'
import {describe, expect, test} from '@jest/globals'
import {TextDocument} from 'vscode-languageserver-textdocument'
import {parse} from 'yaml'

const root = fileURLToPath(new URL('../..', import.meta.url))
const action = parse(readFileSync(join(root, 'action.yml'), 'utf8'))
const workflows = ['.github/workflows', '.github/examples'].flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
)

/** Any workflow, as far as these tests look into it. */
interface Workflow {
  readonly on: unknown
  readonly permissions?: unknown
  readonly jobs: Readonly<Record<string, Job>>
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>
  readonly uses?: string
  readonly steps?: readonly Step[]
  readonly 'timeout-minutes'?: unknown
}

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

/** The inputs of other people's actions that our workflows may use. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  'actions/checkout': ['persist-credentials', 'clean'],
  'actions/setup-node': ['node-version', 'cache'],
}

/** The findings of GitHub's own language service, which is told what our action's inputs are. */
async function findings(path: string, text = readFileSync(join(root, path), 'utf8')): Promise<string[]> {
  const document = TextDocument.create(`file:///${path}`, 'yaml', 1, text)
  const fetchActionMetadata = async ({owner, name}: {readonly owner: string; readonly name: string}) => {
    const inputs = OTHERS[`${owner}/${name}`]?.map((input) => [input, {description: ''}])
    return inputs ? {name, description: '', inputs: Object.fromEntries(inputs)} : action
  }
  const diagnostics = await validate(document, {actionsMetadataProvider: {fetchActionMetadata}})
  return diagnostics.map(({message, range}) => `${range.start.line + 1}: ${message}`)
}

describe('action.yml', () => {
  test('is what GitHub expects of one', async () => {
    expect(await findings('action.yml')).toEqual([])
  })
})

describe.each(workflows)('%s', (path) => {
  const text = readFileSync(join(root, path), 'utf8')
  const workflow: Workflow = parse(text)
  const jobs = Object.values(workflow.jobs)
  const steps = jobs.flatMap(({steps = []}) => steps)

  test('is valid', async () => {
    expect(await findings(path)).toEqual([])
  })

  test('has the least permissions, a time limit, and no event that runs code of forks with secrets', () => {
    const needed = path.endsWith('/commit-pictures.yml') ? {contents: 'write'} : {contents: 'read'}
    expect(workflow.permissions).toEqual({})
    for (const job of jobs) {
      expect([{}, needed]).toContainEqual(job.permissions)
      expect(job.uses ?? job['timeout-minutes']).toBeDefined()
    }
    expect(text).not.toMatch(/pull_request_target|secrets: inherit/)
  })

  test('pins what it uses by the commit, and leaves no credential behind', () => {
    const used = text.split('\n').filter((line) => /^\s*(- )?uses: /.test(line) && !/uses: \.\//.test(line))
    for (const line of used) expect(line).toMatch(/uses: [\w./-]+@[0-9a-f]{40} # v?\d+\.\d+\.\d+$/)
    for (const step of steps) {
      if (step.uses?.startsWith('actions/checkout@')) expect(step.with?.['persist-credentials']).toBe(false)
    }
  })

  test('puts nothing into a shell but by variables', () => {
    for (const {run} of steps) expect(run ?? '').not.toContain('${{')
  })
})

test('the language service is told of our inputs: one that is none is found', async () => {
  const text = readFileSync(join(root, '.github/examples/pull-request.yml'), 'utf8').replace(
    'server: mock',
    'sever: mock',
  )
  expect(await findings('.github/workflows/x.yml', text)).toEqual([expect.stringMatching(/sever/)])
})
