import {systemClock} from '../clock.ts'
import type {ImageServer} from '../server/image-server.ts'
import {SwarmServer, type SwarmServerOptions} from '../server/swarmui/client.ts'
import {keptSession} from '../store/kept-session.ts'
import type {Pretended} from './pretended.ts'
import type {ServerSettings} from './settings.ts'

export interface Connection extends AsyncDisposable {
  readonly server: ImageServer
}

interface ConnectOptions {
  readonly transport?: 'websocket' | 'http'
  /** Reuse the SwarmUI session that an earlier command left, instead of making a new one on the server. */
  readonly reuseSession?: boolean
  readonly onRestart?: () => void
  /** What the mock in this process is to have beside its own models. */
  readonly pretended?: Pretended
}

/** The embedded mock is for trying things: slow enough to see progress, quick enough not to bore. */
const EMBEDDED = {step_ms: 25, model_load_ms: 300}

/** The server that the settings name: a SwarmUI, or the mock started in this process. Throws `UsageError` for the settings. */
export async function connect(settings: ServerSettings, options: ConnectOptions = {}): Promise<Connection> {
  const identity = {
    token: settings.token,
    authorization: settings.authorization,
    userId: settings['user-id'],
    // From the environment it is one text, one header a line.
    headers: [settings.header ?? []].flat().flatMap((lines) => lines.split('\n').filter((line) => line.trim())),
  }
  const shared: SwarmServerOptions = {
    ...identity,
    clock: systemClock,
    allowInsecure: settings['allow-insecure'],
    ...(options.transport ? {transport: options.transport} : {}),
    ...(options.onRestart ? {onRestart: options.onRestart} : {}),
  }
  if (settings.server === 'mock') {
    const {startMock} = await import('../server/mock/start.ts')
    const {MOCK_LORAS, MOCK_MODELS} = await import('../server/mock/options.ts')
    const {models = [], loras = []} = options.pretended ?? {}
    const names = {models: [...MOCK_MODELS, ...models], loras: [...MOCK_LORAS, ...loras]}
    const mock = await startMock({...EMBEDDED, ...names})
    const server = new SwarmServer(mock.url, {...shared, name: 'mock'})
    return {
      server,
      [Symbol.asyncDispose]: async () => {
        await server.close()
        await mock.close()
      },
    }
  }
  const keeper = options.reuseSession ? {keeper: keptSession(settings.server, identity)} : {}
  const server = new SwarmServer(settings.server, {...shared, ...keeper})
  return {server, [Symbol.asyncDispose]: () => server.close()}
}
