import type {IncomingMessage} from 'node:http'
import type {Duplex} from 'node:stream'
import {type RawData, type WebSocket, WebSocketServer} from 'ws'
import {apiErrorFrame, UNKNOWN_SESSION} from './answers.ts'
import {GENERATE, parseObject} from './http.ts'
import {allowed, argumentProblem, type Body, ROUTES} from './routes.ts'
import {runRequest} from './run.ts'
import type {MockSession} from './users.ts'
import type {World} from './world.ts'

/** Takes WebSocket upgrades as SwarmUI does: any `/API/*` path, errors as frames, then a close. */
export function acceptSockets(world: World): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({noServer: true, maxPayload: 200 * 2 ** 20, perMessageDeflate: false})
  return (request, socket, head) => {
    const {authorization, down} = world.settings
    if (down) return void socket.destroy()
    const route = (request.url ?? '').split('?')[0]?.replace(/^\/api\//i, '') ?? ''
    const fault = world.faults.ofRoute(route)
    if (authorization !== undefined && request.headers.authorization !== authorization) return refuse(socket, 401)
    if (fault?.hang) return
    if (fault?.status !== undefined) return refuse(socket, fault.status)
    if (fault?.drop) return void socket.destroy()
    server.handleUpgrade(request, socket, head, (client) => new GenerationSocket(world, client, route).serve())
  }
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 12\r\nConnection: close\r\n\r\nUnauthorized`)
}

/** One socket: a first message, the requests on it, the grace of two seconds in which more may come, the close. */
class GenerationSocket {
  readonly #world: World
  readonly #client: WebSocket
  readonly #route: string
  #running = 0
  #firstIndex = 0
  #session: MockSession | undefined
  #grace: NodeJS.Timeout | undefined

  constructor(world: World, client: WebSocket, route: string) {
    this.#world = world
    this.#client = client
    this.#route = route.toLowerCase()
    client.on('error', () => {})
  }

  serve(): void {
    const {settings} = this.#world
    const pong = setInterval(() => this.#client.pong(), settings.keep_alive_ms)
    const patience = setTimeout(() => this.#client.terminate(), settings.first_message_ms)
    this.#client.on('close', () => {
      clearInterval(pong)
      clearTimeout(patience)
    })
    this.#client.once('message', (message) => {
      clearTimeout(patience)
      this.#first(message)
    })
  }

  #first(message: RawData): void {
    const body = parseObject(String(message))
    const refusal = this.#refusal(body)
    if (refusal) {
      // 0.9.7 closes with 1011 and no frame when it cannot read the first message (recording 13 of 0.9.7).
      if (this.#world.old && refusal.silentWhenOld) return this.#client.close(1011)
      this.#send(refusal.frame)
      return this.#client.close(1000)
    }
    if (this.#route === 'selectmodelws') return void this.#selectModel(body ?? {})
    this.#client.on('message', (further) => {
      const more = parseObject(String(further))
      if (more) void this.#run(more)
    })
    void this.#run(body ?? {})
  }

  #refusal(body: Body | undefined): {frame: object; silentWhenOld?: boolean} | undefined {
    const unknownRoute = {error: 'Unknown API route.', error_id: 'bad_route'}
    if (!body) return {frame: apiErrorFrame('internal'), silentWhenOld: true}
    const isGenerate = this.#route === 'generatetext2imagews'
    const route = ROUTES.get(this.#route)
    if (body['session_id'] === undefined) return {frame: apiErrorFrame('no_session'), silentWhenOld: true}
    const session = this.#world.users.session(String(body['session_id']))
    if (!session) return {frame: UNKNOWN_SESSION}
    this.#session = session
    if (route) {
      const error = this.#world.old ? 'Route is HTTP, not websocket.' : 'API route needs HTTP, request is websocket'
      return {frame: {error_id: 'bad_request_method', error}}
    }
    if (!isGenerate && this.#route !== 'selectmodelws') return {frame: unknownRoute}
    if (!allowed({permission: 'basic_image_generation'}, session)) return {frame: apiErrorFrame('permissions')}
    const problem = isGenerate ? argumentProblem(GENERATE, body) : undefined
    return problem === undefined ? undefined : {frame: {error: problem}}
  }

  /** Each request of a socket runs by itself; the last to end begins the grace (recording 24). */
  async #run(body: Body): Promise<void> {
    const session = this.#session
    if (!session) return
    const first = this.#firstIndex
    // The server takes the batch size from this very key, whatever other spelling there is (reference 2.6).
    this.#firstIndex += Number(body['images'] ?? 1) * Number(body['batchsize'] ?? 1)
    this.#running++
    const alive = setInterval(() => this.#send({keep_alive: true}), this.#world.settings.keep_alive_ms)
    const sink = {send: (frame: object) => this.#send(frame), drop: () => this.#client.terminate()}
    await runRequest(this.#world, session, body, sink, first).finally(() => clearInterval(alive))
    this.#running--
    if (this.#running > 0) return
    clearTimeout(this.#grace)
    this.#send({socket_intention: 'close'})
    this.#grace = setTimeout(() => {
      if (this.#running > 0) return
      this.#send(this.#world.status(session))
      this.#client.close(1000)
    }, this.#world.settings.grace_ms)
    this.#grace.unref()
  }

  async #selectModel(body: Body): Promise<void> {
    const session = this.#session
    const route = ROUTES.get('selectmodel')
    if (!session || !route) return
    const loading = Promise.resolve(route.answer({world: this.#world, session, body}))
    this.#send(this.#world.status(session))
    this.#send(await loading)
    this.#send(this.#world.status(session))
    this.#client.close(1000)
  }

  #send(frame: object): void {
    if (this.#client.readyState === this.#client.OPEN) this.#client.send(JSON.stringify(frame))
  }
}
