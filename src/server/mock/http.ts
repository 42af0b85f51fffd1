import type {IncomingMessage, ServerResponse} from 'node:http'
import {redirect, sendApiError, sendJson, sendPage, UNKNOWN_SESSION} from './answers.ts'
import {comfyQueue} from './comfy.ts'
import {changeSettings, showSettings} from './control.ts'
import type {Fault} from './options.ts'
import {allowed, argumentProblem, type Body, login, newSession, ROUTES, userOf} from './routes.ts'
import {runRequest} from './run.ts'
import {view} from './view.ts'
import type {World} from './world.ts'

const SOCKET_ROUTES = new Set(['generatetext2imagews', 'selectmodelws'])
const MAX_BODY = 200 * 2 ** 20

/** Answers one HTTP request as the recordings show. */
export async function answer(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://mock').pathname
  if (path.startsWith('/Mock/')) return control(world, path, request, response)
  if (world.settings.down) return void request.socket.destroy()
  if (world.settings.authorization !== undefined && request.headers.authorization !== world.settings.authorization) {
    response.writeHead(401, {'content-length': 12})
    return void response.end('Unauthorized')
  }
  if (request.method === 'HEAD') return void response.writeHead(405).end()
  const isApi = /^\/api\//i.test(path)
  const route = isApi ? path.slice('/api/'.length) : (path.split('/')[1] ?? '')
  const fault = world.faults.ofRoute(route)
  if (fault && (await strikeRoute(fault, request, response))) return
  if (isApi)
    return request.method === 'POST' ? api(world, route, request, response) : redirect(response, '/Error/NoGetAPI')
  if (request.method !== 'GET') return redirect(response, '/Error/404')
  if (path.startsWith('/ComfyBackendDirect/')) return comfyQueue(world, request, response)
  if (route === 'View' || route === 'Output') return view(world, request, response, fault)
  redirect(response, '/Error/404')
}

async function api(world: World, name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!/^application\/(.+\+)?json/i.test(request.headers['content-type'] ?? ''))
    return sendApiError(world, response, 'content_type')
  if (request.headers['content-length'] === undefined) return sendApiError(world, response, 'no_content_length')
  const length = Number(request.headers['content-length'])
  if (!(length > 0) || length > MAX_BODY) return sendApiError(world, response, 'content_length')
  const body = parseObject(await readBody(request))
  if (!body) return sendApiError(world, response, 'internal')
  const key = name.toLowerCase()
  if (key === 'getnewsession') return sendJson(response, 200, newSession(world, userOf(world, request.headers)))
  if (key === 'login') return sendJson(response, 200, login(world, body))
  const route = ROUTES.get(key)
  const known = route !== undefined || key === 'generatetext2image' || SOCKET_ROUTES.has(key)
  const session = sessionOf(world, request, body)
  if (session === undefined) return sendApiError(world, response, 'no_session')
  if (session === 'unknown') return sendJson(response, 401, UNKNOWN_SESSION)
  if (!known || (route?.newer && world.old)) return sendApiError(world, response, 'bad_route')
  if (SOCKET_ROUTES.has(key)) return sendApiError(world, response, 'needs_socket')
  if (!allowed(route ?? {permission: 'basic_image_generation'}, session))
    return sendApiError(world, response, 'permissions')
  const problem = argumentProblem(route ?? GENERATE, body)
  if (problem !== undefined) return sendJson(response, 200, {error: problem})
  if (route) return sendJson(response, 200, await route.answer({world, session, body}))
  await generateOverHttp(world, session, body, response)
}

export const GENERATE = {arguments: {images: 'Int32'}} as const

type Session = Parameters<typeof runRequest>[1]

/** GenerateText2Image: one answer in the end, an error if there was any, however many pictures there are (recordings 04, 14). */
async function generateOverHttp(world: World, session: Session, body: Body, response: ServerResponse): Promise<void> {
  const images: string[] = []
  let error: string | undefined
  await runRequest(world, session, body, {
    send: (frame) => {
      const told = frame as {image?: string; error?: string}
      if (told.image !== undefined) images.push(told.image)
      error ??= told.error
    },
    drop: (status) => {
      if (status === undefined) response.destroy()
      else sendPage(response, status, gatewayPage(status))
    },
  })
  if (!response.destroyed && !response.writableEnded) sendJson(response, 200, error === undefined ? {images} : {error})
}

/** What a proxy answers in its server's place. */
function gatewayPage(status: number): string {
  return `<html><body>${status}</body></html>`
}

function sessionOf(world: World, request: IncomingMessage, body: Body): Session | 'unknown' | undefined {
  const header = world.old ? undefined : request.headers['x-session-id']
  const id = body['session_id'] ?? header
  if (id === undefined) return undefined
  return world.users.session(String(id)) ?? 'unknown'
}

/** True when the fault has answered in the route's stead. */
async function strikeRoute(fault: Fault['do'], request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (fault.hang) return true
  if (fault.drop) request.socket.destroy()
  else if (fault.location !== undefined) redirect(response, fault.location)
  else if (fault.html !== undefined) sendPage(response, fault.status ?? 200, fault.html)
  else if (fault.json !== undefined) sendJson(response, fault.status ?? 200, fault.json)
  else if (fault.status !== undefined) sendPage(response, fault.status, gatewayPage(fault.status))
  else return false
  return true
}

async function control(world: World, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (path === '/Mock/State') return sendJson(response, 200, showSettings(world))
  if (path !== '/Mock/Control' || request.method !== 'POST')
    return sendJson(response, 404, {error: 'There is POST /Mock/Control and GET /Mock/State.'})
  const body = parseObject(await readBody(request))
  const problem = body ? changeSettings(world, body, request.socket) : 'The body is not a JSON object.'
  sendJson(response, problem === undefined ? 200 : 400, problem === undefined ? {success: true} : {error: problem})
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** An object from JSON text; `undefined` for everything else, which the server calls an internal error. */
export function parseObject(text: string): Body | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Body) : undefined
  } catch {
    return undefined
  }
}
