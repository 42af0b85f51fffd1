import {readFileSync} from 'node:fs'
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import type {Readable} from 'node:stream'
import {fileURLToPath} from 'node:url'
import {execa} from 'execa'
import {parse} from 'yaml'
import type {ResultsService} from './results-service.ts'
import {until} from './until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the runner does to a step that is cancelled (actions/runner, ProcessInvoker.cs). */
const SIGTERM_AFTER_MS = 7500
const KILL_AFTER_MS = 2500

interface ActionMetadata {
  readonly inputs: Readonly<Record<string, {readonly default?: string}>>
  readonly outputs: Readonly<Record<string, unknown>>
  readonly runs: {readonly using: string; readonly main: string; readonly post: string; readonly 'post-if': string}
}

/** The action's own metadata, from the file that the real runner reads. */
export const action: ActionMetadata = parse(readFileSync(join(root, 'action.yml'), 'utf8'))

/** A `::command::` as the runner reads it from the log. */
export interface LogCommand {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  readonly message: string
}

/** One process of a step, as the runner and its user see it. */
export interface Phase {
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  /** What is shown: secrets masked, commands taken out. */
  readonly log: string
  readonly commands: readonly LogCommand[]
  readonly summary: string
  /** How long it ran, or how long it lived after it was struck. */
  readonly milliseconds: number
}

export interface StepRun {
  readonly main: Phase
  readonly post: Phase | undefined
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
}

export interface StepOptions {
  /** The step's id in its job. */
  readonly id?: string
  /** Variables of the job. */
  readonly env?: Readonly<Record<string, string>>
  readonly services?: ResultsService
  readonly strike?: Strike
}

/**
 * What happens to a step, and when. `cancel`: the runner's signals, in its time. `terminate`: both, without
 * the time between them. `kill`: cancelled, and killed once it has heard. `crash`: main
 * is killed by the system. `lose`: the machine is gone, and nothing runs after it, not even post.
 */
export interface Strike {
  readonly how: 'cancel' | 'terminate' | 'kill' | 'crash' | 'lose'
  /** Is given what the step has logged so far. */
  readonly when: (log: () => string) => Promise<unknown>
}

/** Where and why a job runs. */
export interface JobOptions {
  readonly event?: string
  readonly payload?: object
  readonly ref?: string
  readonly run?: number
  readonly attempt?: number
  readonly job?: string
  readonly index?: number
  /** Of the workspace, below the machine's folder. */
  readonly path?: string
}

/** A machine with a checkout, on which jobs run: what actions/runner does for a step with `using: node24`. */
export class RunnerDouble implements AsyncDisposable {
  readonly workspace: string
  readonly #folder: string
  readonly #job: Required<Omit<JobOptions, 'path'>>

  private constructor(folder: string, {path = 'work', ...job}: JobOptions) {
    this.#folder = folder
    this.workspace = join(folder, path)
    const payload = {repository: {id: 1, private: true}}
    this.#job = {event: 'push', payload, ref: 'refs/heads/main', run: 100, attempt: 1, job: 'art', index: 0, ...job}
  }

  static async start(job: JobOptions = {}): Promise<RunnerDouble> {
    const folder = await mkdtemp(join(tmpdir(), 'ag-runner-'))
    const runner = new RunnerDouble(folder, job)
    await mkdir(runner.workspace, {recursive: true})
    return runner
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    const path = join(this.workspace, name)
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, content)
  }

  read(name: string): Promise<string> {
    return readFile(join(this.workspace, name), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, {recursive: true, force: true})
  }

  /** Runs a job of one `uses:` step: main, then post, whatever became of it. */
  async step(inputs: Readonly<Record<string, string>>, options: StepOptions = {}): Promise<StepRun> {
    const [run] = await this.steps({inputs, options})
    if (!run) throw new Error('A job of one step has run one.')
    return run
  }

  /** Runs a job of several steps: the main of each, then the posts of all that were begun, the last one first. */
  async steps(
    ...steps: readonly {readonly inputs: Readonly<Record<string, string>>; readonly options?: StepOptions}[]
  ): Promise<StepRun[]> {
    const {runs} = action
    if (runs.using !== 'node24' || runs['post-if'] !== 'always()')
      throw new Error('action.yml asks for another runner.')
    const begun: (() => Promise<StepRun>)[] = []
    for (const {inputs, options = {}} of steps) {
      const env = await this.#environment(inputs, options)
      const main = await this.#run(runs.main, env, options.strike)
      begun.push(() => this.#end(main, env, options))
    }
    const ended: StepRun[] = []
    for (const end of begun.reverse()) ended.unshift(await end())
    return ended
  }

  /** Runs post with what main saved, unless the machine is gone. */
  async #end(main: Phase & {files: Files}, env: Record<string, string>, {strike}: StepOptions): Promise<StepRun> {
    const {state, output: outputs} = main.files
    if (strike?.how === 'lose') return {main, post: undefined, outputs, state}
    const states = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]))
    const post = await this.#run(action.runs.post, {...env, ...states})
    return {main, post, outputs, state}
  }

  async #environment(inputs: Readonly<Record<string, string>>, options: StepOptions): Promise<Record<string, string>> {
    const {event, payload, ref, run, attempt, job, index} = this.#job
    const temp = join(this.#folder, 'temp')
    await mkdir(temp, {recursive: true})
    const eventPath = join(this.#folder, 'event.json')
    await writeFile(eventPath, JSON.stringify(payload))
    const unknown = Object.keys(inputs).filter((name) => !(name in action.inputs))
    if (unknown.length > 0) throw new Error(`Unexpected input(s) '${unknown.join("', '")}'`)
    const values = Object.entries(action.inputs).map(([name, {default: preset = ''}]) => {
      const value = inputs[name] ?? String(preset).replace(/\$\{\{ *strategy\.job-index *\}\}/, String(index))
      return [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]
    })
    const {PATH = '', HOME = ''} = process.env
    return {
      PATH,
      HOME,
      XDG_CACHE_HOME: join(this.#folder, 'cache'),
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: this.workspace,
      GITHUB_EVENT_NAME: event,
      GITHUB_EVENT_PATH: eventPath,
      GITHUB_REF: ref,
      GITHUB_REPOSITORY: 'someone/game',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_RUN_ID: String(run),
      GITHUB_RUN_ATTEMPT: String(attempt),
      GITHUB_JOB: job,
      GITHUB_ACTION: options.id ?? '__self',
      RUNNER_TEMP: temp,
      RUNNER_OS: 'Linux',
      ...options.services?.environment(ref),
      ...Object.fromEntries(values),
      ...options.env,
    }
  }

  async #run(file: string, env: Record<string, string>, strike?: Strike): Promise<Phase & {files: Files}> {
    const folder = await mkdtemp(join(this.#folder, 'commands-'))
    const paths = Object.fromEntries(FILES.map((name) => [name, join(folder, name)])) as Record<FileName, string>
    await Promise.all(Object.values(paths).map((path) => writeFile(path, '')))
    const variables = {GITHUB_OUTPUT: paths.output, GITHUB_STATE: paths.state, GITHUB_STEP_SUMMARY: paths.summary}
    const begun = performance.now()
    const child = execa(process.execPath, [join(root, file)], {
      cwd: this.workspace,
      reject: false,
      extendEnv: false,
      all: true,
      stripFinalNewline: false,
      env: {...env, ...variables},
    })
    const stop = strike ? strikeAt(child, strike, paths.state) : undefined
    const result = await child
    const struckAt = await stop?.()
    const milliseconds = performance.now() - (struckAt ?? begun)
    const [output, state, summary] = await Promise.all(FILES.map((name) => readFile(paths[name], 'utf8')))
    return {
      exitCode: result.exitCode,
      signal: result.signal,
      milliseconds,
      ...readLog(result.all),
      summary: summary ?? '',
      files: {output: readPairs(output ?? ''), state: readPairs(state ?? '')},
    }
  }
}

const FILES = ['output', 'state', 'summary'] as const
type FileName = (typeof FILES)[number]

interface Files {
  readonly output: Record<string, string>
  readonly state: Record<string, string>
}

interface Child {
  readonly all: Readable
  kill(signal: NodeJS.Signals): boolean
}

/** Signals as the runner sends them, to the one process it started. Returns how to end that, which says when it was struck. */
function strikeAt(child: Child, {how, when}: Strike, statePath: string): () => Promise<number> {
  const timers: NodeJS.Timeout[] = []
  let logged = ''
  child.all.on('data', (bytes: Buffer) => {
    logged += bytes.toString()
  })
  const struck = when(() => logged).then(async () => {
    const at = performance.now()
    if (how === 'crash' || how === 'lose') child.kill('SIGKILL')
    else child.kill('SIGINT')
    if (how === 'kill' || how === 'terminate') {
      await until('a word to the post step', async () => (await readFile(statePath, 'utf8')).includes('interrupted'))
      child.kill(how === 'kill' ? 'SIGKILL' : 'SIGTERM')
    }
    const later = (ms: number, signal: NodeJS.Signals) => timers.push(setTimeout(() => child.kill(signal), ms))
    if (how === 'cancel') {
      later(SIGTERM_AFTER_MS, 'SIGTERM')
      later(SIGTERM_AFTER_MS + KILL_AFTER_MS, 'SIGKILL')
    }
    return at
  })
  return async () => {
    const at = await struck
    for (const timer of timers) clearTimeout(timer)
    return at
  }
}

/** Takes the commands out of a log and masks what it is told to, from there on, as the runner does line by line. */
function readLog(text: string): {log: string; commands: LogCommand[]} {
  const commands: LogCommand[] = []
  const shown: string[] = []
  const masks = new Set<string>()
  const mask = (line: string): string => [...masks].reduce((clean, secret) => clean.replaceAll(secret, '***'), line)
  for (const line of text.split('\n')) {
    const command = readCommand(line)
    if (command?.name === 'add-mask') masks.add(command.message)
    if (command) commands.push({...command, message: command.name === 'add-mask' ? '***' : mask(command.message)})
    else shown.push(mask(line))
  }
  return {log: shown.join('\n'), commands}
}

/** `::name key=value,key=value::message` at the beginning of a line, or the old `##[name ...]message` anywhere in it. */
function readCommand(line: string): LogCommand | undefined {
  const match =
    /^\s*::([\w-]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$/.exec(line) ?? /##\[([\w-]+)(?: ([^\]]*))?\](.*)$/.exec(line)
  if (!match) return undefined
  const [, name = '', properties = '', message = ''] = match
  const pairs = properties.split(',').map((pair) => pair.split('=') as [string, string?])
  const decoded = pairs.filter(([key]) => key).map(([key, value = '']) => [key.trim(), decode(value)])
  return {name, properties: Object.fromEntries(decoded), message: decode(message)}
}

function decode(text: string): string {
  const signs: Readonly<Record<string, string>> = {'%0D': '\r', '%0A': '\n', '%3A': ':', '%2C': ',', '%25': '%'}
  return text.replace(/%(0D|0A|3A|2C|25)/g, (code) => signs[code] ?? code)
}

/** `name=value` lines, and `name<<DELIMITER` with a value of many lines. */
function readPairs(text: string): Record<string, string> {
  const pairs: Record<string, string> = {}
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const [, name, delimiter] = /^([^=<]+)<<(.+)$/.exec(line) ?? []
    if (name && delimiter) {
      const end = lines.indexOf(delimiter, at + 1)
      pairs[name] = lines.slice(at + 1, end).join('\n')
      at = end
    } else if (line.includes('=')) pairs[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1)
  }
  return pairs
}
