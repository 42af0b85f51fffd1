import {systemClock} from '../clock.ts'
import type {ImageServer} from '../server/image-server.ts'
import {parseServerAddress} from '../server/swarmui/address.ts'
import type {SwarmServerOptions} from '../server/swarmui/client.ts'
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
  const {SwarmServer} = await import('../server/swarmui/client.ts')
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
  const {keptSession} = await import('../store/kept-session.ts')
  const keeper = options.reuseSession ? {keeper: keptSession(settings.server, identity)} : {}
  const server = new SwarmServer(settings.server, {...shared, ...keeper})
  return {server, [Symbol.asyncDispose]: () => server.close()}
}

/**
 * As `connect`, but only when the server is asked for something: for commands that often need not. The client is a third of
 * what there is to load. Throws `UsageError` for an address that cannot be one.
 */
export function connectWhenNeeded(settings: ServerSettings): Connection {
  let connecting: Promise<Connection> | undefined
  const address = settings.server === 'mock' ? 'mock' : parseServerAddress(settings.server).display
  const known: Partial<ImageServer> = {address, kind: 'swarmui'}
  const server = new Proxy(known as ImageServer, {
    get(target, name: keyof ImageServer) {
      if (name in target) return target[name]
      return async (...args: never[]) => {
        connecting ??= connect(settings)
        const {server: connected} = await connecting
        return (connected[name] as (...args: never[]) => unknown).apply(connected, args)
      }
    },
  })
  return {
    server,
    [Symbol.asyncDispose]: async () => {
      const connection = await connecting
      await connection?.[Symbol.asyncDispose]()
    },
  }
}
