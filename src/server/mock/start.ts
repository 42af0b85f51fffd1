import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import * as z from 'zod'
import {UsageError} from '../../errors.ts'
import {changeSettings} from './control.ts'
import {answer} from './http.ts'
import {type MockControl, type MockOptions, optionsSchema} from './options.ts'
import {acceptSockets} from './sockets.ts'
import {World} from './world.ts'

/** A mock SwarmUI that listens on this machine. */
export interface MockServer extends AsyncDisposable {
  readonly url: string
  /** Changes it while it runs, as POST /Mock/Control does. Throws `UsageError` for a change it does not know. */
  control(change: MockControl): void
  /** Stops listening, breaks all connections and ends all work. */
  close(): Promise<void>
}

/**
 * Starts a server that speaks SwarmUI's routes and sockets as recordings of real ones show them, and draws placeholder
 * pictures. Throws `UsageError` for options it does not know and for a port that is taken.
 */
export async function startMock(options: MockOptions = {}): Promise<MockServer> {
  const parsed = optionsSchema.safeParse(options)
  if (!parsed.success)
    throw new UsageError(`The mock server does not understand its options.\n${z.prettifyError(parsed.error)}`)
  const settings = parsed.data
  const world = new World(settings)
  const server = createServer((request, response) => {
    answer(world, request, response).catch(() => response.destroy())
  })
  server.keepAliveTimeout = 60_000
  server.on('connection', (socket) => {
    socket.setNoDelay(true)
    world.connections.add(socket)
    socket.on('close', () => world.connections.delete(socket))
  })
  server.on('upgrade', acceptSockets(world))
  const idleWatch = setInterval(() => world.backends.lookAfterIdle(), world.backends.recheckMs).unref()
  await listen(server, settings)
  const {port} = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    clearInterval(idleWatch)
    world.stopped.abort()
    const {promise, resolve} = Promise.withResolvers<void>()
    server.close(() => resolve())
    for (const connection of world.connections) connection.destroy()
    await promise
  }
  return {
    url: `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`,
    control: (change) => {
      const problem = changeSettings(world, change)
      if (problem !== undefined) throw new UsageError(`The mock server does not understand this change.\n${problem}`)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function listen(server: ReturnType<typeof createServer>, {port, host}: {port: number; host: string}): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'something listens there already' : (error.code ?? error.message)
      reject(
        new UsageError(`The mock server cannot listen on ${host}:${port}: ${reason}.`, {
          next: error.code === 'EADDRNOTAVAIL' ? 'Choose another --host.' : 'Choose another --port.',
          cause: error,
        }),
      )
    })
    server.listen(port, host, resolve)
  })
}
