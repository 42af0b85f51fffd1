import {cp} from 'node:fs/promises'
import {join} from 'node:path'
import {readManifest} from '../../src/asset/manifest.ts'
import {systemClock} from '../../src/clock.ts'
import type {Context, Report} from '../../src/context.ts'
import {type GenerateOptions, generate} from '../../src/generate.ts'
import type {GenerateResult} from '../../src/generation/generate-result.ts'
import type {MockOptions} from '../../src/server/mock/options.ts'
import {type MockServer, startMock} from '../../src/server/mock/start.ts'
import {SwarmServer, type SwarmServerOptions} from '../../src/server/swarmui/client.ts'
import type {SessionStore} from '../../src/store/session-store.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'
import {type TemporaryFolder, temporaryFolder} from './folder.ts'

/** No waiting: what takes a server seconds takes the mock nothing. */
export const INSTANT: MockOptions = {
  step_ms: 0,
  model_load_ms: 0,
  no_backend_ms: 0,
  steps: 4,
  interrupt_ms: 0,
  pictures: 'plain',
}

export interface Rehearsal extends AsyncDisposable {
  readonly folder: string
  readonly mock: MockServer
  readonly server: SwarmServer
  readonly sessions: SessionStore
  readonly events: Report[]
  readonly context: Context
  write(name: string, content: string | Uint8Array): Promise<string>
  /** Another process of the same machine, at the same workspace and server. */
  beside(): Promise<Rehearsal>
  /** The same server, and a machine to which only the histories came. */
  elsewhere(serverOptions?: SwarmServerOptions): Promise<Rehearsal>
  /** How many generations the server was asked for. */
  asked(): Promise<number>
  /** Runs `generate` over a manifest given as text. */
  generate(manifest: string, options?: Partial<GenerateOptions>, signal?: AbortSignal): Promise<GenerateResult>
}

/** A mock server, a client and a workspace of their own. Retries wait for nothing. */
export async function rehearse(
  mockOptions: MockOptions = {},
  serverOptions: SwarmServerOptions = {},
): Promise<Rehearsal> {
  const mock = await startMock({...INSTANT, ...mockOptions})
  const rehearsal = rehearseAt(mock, serverOptions)
  return {
    ...rehearsal,
    async [Symbol.asyncDispose]() {
      await rehearsal[Symbol.asyncDispose]()
      await mock.close()
    },
  }
}

function rehearseAt(
  mock: MockServer,
  serverOptions: SwarmServerOptions,
  folder: TemporaryFolder = temporaryFolder(),
): Rehearsal {
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 10), signal),
  }
  const server = new SwarmServer(mock.url, {clock, patienceMs: 2000, ...serverOptions})
  const sessions = openWorkspace({
    ...resolveWorkspace({stateDir: folder.path, stateFile: undefined}),
    clock: systemClock,
    command: 'test',
  })
  const events: Report[] = []
  const context: Context = {
    server,
    sessions,
    clock,
    signal: new AbortController().signal,
    report: (event) => events.push(event),
  }
  return {
    folder: folder.path,
    mock,
    server,
    sessions,
    events,
    context,
    write: folder.write,
    async beside() {
      return rehearseAt(mock, serverOptions, {...folder, [Symbol.asyncDispose]: async () => {}})
    },
    async elsewhere(options = serverOptions) {
      const other = rehearseAt(mock, options)
      const histories = join('.ag', 'sessions')
      await cp(join(folder.path, histories), join(other.folder, histories), {recursive: true})
      return other
    },
    async asked() {
      const state = await fetch(`${mock.url}/Mock/State`).then((answer) => answer.json())
      return (state as {generations: number}).generations
    },
    async generate(manifest, options = {}, signal = context.signal) {
      const file = await folder.write('ag.yaml', manifest)
      const {assets, outputDirectory} = await readManifest(file)
      return generate(
        {...context, signal},
        {
          run: `run${events.length}`,
          resume: 'continue',
          assets,
          outputDirectory,
          workspace: folder.path,
          concurrency: 2,
          failFast: false,
          retries: 2,
          overwrite: false,
          allowFuzzyModel: false,
          ...options,
        },
      )
    },
    async [Symbol.asyncDispose]() {
      await sessions.close()
      await server.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** The absolute path of an output of a rehearsed manifest. */
export function outputOf({folder}: Rehearsal, name: string): string {
  return join(folder, 'assets', name)
}
