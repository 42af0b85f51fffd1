import {readdirSync} from 'node:fs'
import {cp} from 'node:fs/promises'
import {join} from 'node:path'
import {unzipSync} from 'fflate'
import type {MockOptions} from '../../src/server/mock/options.ts'
import {type MockServer, startMock} from '../../src/server/mock/start.ts'
import {activity} from './built-workspace.ts'
import {INSTANT} from './context.ts'
import {ResultsService, type ServiceOptions, type StoredArtifact} from './results-service.ts'
import {type JobOptions, RunnerDouble, type StepOptions, type StepRun} from './runner.ts'

/** Two pictures; the prompt of the first tries to give the runner a command. */
export const MANIFEST = `defaults: {model: mock/sdxl-base, width: 64, height: 64, steps: 4}
assets:
  - {id: sun, prompt: "a secret sun\\n::save-state name=settled::attacker"}
  - {id: moon, prompt: "a secret moon"}
`

/** A repository with a manifest, its image server, and the services of GitHub. */
export interface Repository extends AsyncDisposable {
  readonly mock: MockServer
  readonly services: ResultsService
  /** A job on a machine of its own, with a fresh checkout; of another job's machine the files that are there, too. */
  job(options?: JobOptions & {readonly on?: RunnerDouble; readonly files?: readonly string[]}): Promise<RunnerDouble>
  /** Runs a step with the repository's server. */
  step(runner: RunnerDouble, inputs?: Record<string, string>, options?: StepOptions): Promise<StepRun>
  /** How many pictures the server was asked for. */
  asked(): Promise<number>
  /** How many it works on. */
  busy(): Promise<number>
}

export async function repository(
  mockOptions: MockOptions = {},
  serviceOptions: ServiceOptions = {},
): Promise<Repository> {
  const mock = await startMock({...INSTANT, ...mockOptions})
  const services = await ResultsService.start(serviceOptions)
  const jobs: RunnerDouble[] = []
  return {
    mock,
    services,
    async job({on, files = [], ...options} = {}) {
      const runner = await RunnerDouble.start(options)
      jobs.push(runner)
      await runner.write('ag.yaml', MANIFEST)
      for (const name of files) {
        if (on) await cp(join(on.workspace, name), join(runner.workspace, name), {recursive: true})
      }
      return runner
    },
    step: (runner, inputs = {}, options = {}) => runner.step({server: mock.url, ...inputs}, {services, ...options}),
    async asked() {
      const state = await fetch(`${mock.url}/Mock/State`).then((answer) => answer.json())
      return (state as {generations: number}).generations
    },
    busy: () => activity(mock.url),
    async [Symbol.asyncDispose]() {
      for (const runner of jobs) await runner[Symbol.asyncDispose]()
      await services[Symbol.asyncDispose]()
      await mock.close()
    },
  }
}

/** The files in an artifact, as texts. */
export function unzipped({blob}: StoredArtifact): Record<string, string> {
  const files = Object.entries(unzipSync(blob))
  return Object.fromEntries(files.map(([name, bytes]) => [name, Buffer.from(bytes).toString()]))
}

/** The names of the histories of a workspace. */
export function histories({workspace}: RunnerDouble): string[] {
  return readdirSync(join(workspace, '.ag', 'sessions')).sort()
}
