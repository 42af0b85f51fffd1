import {systemClock} from '../clock.ts'
import type {ImageServer} from '../server/image-server.ts'
import type {SwarmServerOptions} from '../server/swarmui/client.ts'
import type {ServerFlags} from './flags.ts'

export interface Connection extends AsyncDisposable {
  readonly server: ImageServer
}

interface ConnectOptions {
  readonly transport?: 'websocket' | 'http'
  /** Reuse the SwarmUI session that an earlier command left, instead of making a new one on the server. */
  readonly reuseSession?: boolean
  readonly onRestart?: () => void
}

/** The embedded mock is for trying things: slow enough to see progress, quick enough not to bore. */
const EMBEDDED = {step_ms: 25, model_load_ms: 300}

/** The server that the flags name: a SwarmUI, or the mock started in this process. Throws `UsageError` for the flags. */
export async function connect(flags: ServerFlags, options: ConnectOptions = {}): Promise<Connection> {
  const {SwarmServer} = await import('../server/swarmui/client.ts')
  const identity = {
    token: flags.token,
    authorization: flags.authorization,
    userId: flags['user-id'],
    // From the environment it is one text, one header a line.
    headers: [flags.header ?? []].flat().flatMap((lines) => lines.split('\n').filter((line) => line.trim())),
  }
  const shared: SwarmServerOptions = {
    ...identity,
    clock: systemClock,
    allowInsecure: flags['allow-insecure'],
    ...(options.transport ? {transport: options.transport} : {}),
    ...(options.onRestart ? {onRestart: options.onRestart} : {}),
  }
  if (flags.server === 'mock') {
    const {startMock} = await import('../server/mock/start.ts')
    const mock = await startMock(EMBEDDED)
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
  const keeper = options.reuseSession ? {keeper: keptSession(flags.server, identity)} : {}
  const server = new SwarmServer(flags.server, {...shared, ...keeper})
  return {server, [Symbol.asyncDispose]: () => server.close()}
}
