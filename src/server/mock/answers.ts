import type {ServerResponse} from 'node:http'
import type {World} from './world.ts'

/** Errors of the API itself, as 0.9.8.2 answers them and where 0.9.7 redirects to instead (recordings 13, 21). */
const API_ERRORS = {
  content_type: [400, 'basic_api', 'Wrong content type', '/Error/BasicAPI'],
  content_length: [400, 'basic_api', 'bad content length', '/Error/BasicAPI'],
  no_content_length: [400, 'basic_api', 'bad content length', '/Error/Internal'],
  no_session: [400, 'basic_api', 'missing session id', '/Error/BasicAPI'],
  internal: [400, 'internal_error', 'An internal error occurred', '/Error/Internal'],
  bad_route: [400, 'bad_route', 'Unknown API route', '/Error/404'],
  needs_socket: [400, 'bad_request_method', 'API route needs websocket, request is HTTP', '/Error/BasicAPI'],
  permissions: [400, 'bad_permissions', 'You lack permissions for this route.', '/Error/Permissions'],
} as const

export type ApiErrorName = keyof typeof API_ERRORS

export const UNKNOWN_SESSION = {
  error: 'Invalid session ID. You may need to refresh the page.',
  error_id: 'invalid_session_id',
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(text)
}

export function sendApiError(world: World, response: ServerResponse, name: ApiErrorName): void {
  const [status, error_id, error, location] = API_ERRORS[name]
  if (world.old) return redirect(response, location)
  sendJson(response, status, {error_id, error})
}

/** The body of an API error, for a frame. */
export function apiErrorFrame(name: ApiErrorName): object {
  const [, error_id, error] = API_ERRORS[name]
  return {error_id, error}
}

export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, {location, 'content-length': 0})
  response.end()
}

export function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {'content-type': 'text/html', 'content-length': Buffer.byteLength(html)})
  response.end(html)
}
