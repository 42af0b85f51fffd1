import type {IncomingMessage, ServerResponse} from 'node:http'
import {redirect, sendJson} from './answers.ts'
import type {Fault} from './options.ts'
import {mayDo} from './permissions.ts'
import {userOf} from './routes.ts'
import type {World} from './world.ts'

const MISSING = {error: '404, file not found.', error_id: 'file_not_found'}

/** Pictures by their path, whole, in part, or as a thumbnail (recording 25). */
export function view(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault['do'] | undefined,
): void {
  const url = request.url ?? '/'
  const [rawPath = '', query = ''] = url.split('?')
  const path = decode(rawPath)
  if (path === undefined || path.split('/').includes('..')) return redirect(response, '/Error/404')
  const viewer = userOf(world, request.headers)
  if (!viewer) return sendJson(response, 400, {error: 'invalid or unauthorized', error_id: 'invalid_user'})
  const [, kind, ...rest] = path.split('/')
  const ownerName = kind === 'Output' ? viewer.name : (rest.shift() ?? '')
  if (ownerName !== viewer.name && !mayDo(viewer.role, 'view_others_outputs')) {
    return sendJson(response, 400, {
      error: "unauthorized - you may not view other users' outputs",
      error_id: 'unauthorized',
    })
  }
  const bytes = world.users.named(ownerName)?.gallery.read(rest.join('/'))
  if (!bytes) return sendJson(response, 404, MISSING)
  const type = path.endsWith('.jpg') ? 'image/jpeg' : 'image/png'
  sendBytes(
    request,
    response,
    bytes.subarray(0, fault?.truncate ?? bytes.length),
    query.includes('preview=true') ? 'image/jpg' : type,
  )
}

function sendBytes(request: IncomingMessage, response: ServerResponse, bytes: Buffer, type: string): void {
  const headers = {'content-type': type, 'cache-control': 'private, max-age=30', 'accept-ranges': 'bytes'}
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  if (from === undefined) {
    response.writeHead(200, {...headers, 'content-length': bytes.length})
    return void response.end(bytes)
  }
  const part = bytes.subarray(Number(from), to ? Number(to) + 1 : bytes.length)
  const range = `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`
  response.writeHead(206, {...headers, 'content-length': part.length, 'content-range': range})
  response.end(part)
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
