import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {type RecordedEvent, recording} from './recordings.ts'

export interface RecordedServer extends AsyncDisposable {
  readonly url: string
}

/** A server that answers each route as a recorded one did at a moment of its recording: with its last answer until then. */
export async function recordedServer(version: string, name: string, at: number): Promise<RecordedServer> {
  const answered = recording(version, name).events.filter((event) => event.kind === 'http' && event.response)
  const server = createServer((request, response) => {
    const answer = answerOf(answered, request.url ?? '', request.headers['x-swarm-backend-id'], at)
    if (!answer) {
      response.statusCode = 404
      return response.end('The recording has no such request.')
    }
    const {'content-type': type, location} = answer.headers
    if (type) response.setHeader('content-type', type)
    if (location) response.setHeader('location', location)
    response.statusCode = answer.status
    response.end(answer.json === undefined ? (answer.body ?? '') : JSON.stringify(answer.json))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answerOf(
  events: readonly RecordedEvent[],
  path: string,
  backend: string | string[] | undefined,
  at: number,
): RecordedEvent['response'] {
  const same = events.filter(({request}) => {
    if (request?.path !== path) return false
    return !path.endsWith('/queue') || request.headers?.['x-swarm-backend-id'] === backend
  })
  const sessions = path.endsWith('/GetNewSession') ? same.slice(-1) : same
  return (sessions.findLast(({t_ms: time}) => time <= at) ?? sessions[0])?.response
}
