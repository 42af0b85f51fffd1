import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {describe, expect, test} from '@jest/globals'
import type {BackendQueue} from '../../../src/server/image-server.ts'
import {SwarmServer} from '../../../src/server/swarmui/client.ts'

const QUIET = {
  status: {waiting_gens: 0, loading_models: 0, waiting_backends: 0, live_gens: 0},
  backend_status: {status: 'running', class: '', message: '', any_loading: false},
}
const comfy = (id: number) => ({type: 'comfyui_api', status: 'running', id, enabled: true, title: ''})
const ROUTES: Readonly<Record<string, unknown>> = {
  '/API/GetNewSession': {
    session_id: 'f'.repeat(40),
    user_id: 'local',
    version: '0.9.8.2',
    server_id: 's',
    permissions: [],
  },
  '/API/GetGlobalStatus': QUIET,
  '/API/ListBackends': {0: comfy(0), 1: comfy(1)},
}
const BUSY = {queue_running: [[1, 'a']], queue_pending: [[2, 'b']]}

/**
 * Looks twice at a quiet server with two ComfyUI behind it, whose queues answer as told. No recording has more than one
 * ComfyUI, or one that refuses by itself: how they answer here is made up.
 */
async function queues(answers: readonly [number, unknown][]): Promise<(readonly BackendQueue[] | undefined)[]> {
  const server = createServer((request, response) => {
    const id = request.headers['x-swarm-backend-id']
    const [status, body] =
      id === undefined ? [200, ROUTES[request.url ?? '']] : (answers[Number(id)] ?? [500, undefined])
    response.statusCode = status
    response.setHeader('content-type', body === undefined ? 'text/html' : 'application/json')
    response.end(body === undefined ? '<html></html>' : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new SwarmServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const look = {signal: new AbortController().signal, answerWithin: 2000}
  const seen = [(await client.sample(look)).queues, (await client.sample(look)).queues]
  await client.close()
  server.close()
  return seen
}

const busy: BackendQueue = {backend: '0', entries: {running: 1, pending: 1}}

describe('the ComfyUI queues behind a quiet server', () => {
  test('are those that answer, whatever another one refuses', async () => {
    expect(
      await queues([
        [200, BUSY],
        [401, undefined],
      ]),
    ).toEqual([[busy], [busy]])
  })

  test.each<[string, [number, unknown]]>([
    ['fails', [500, undefined]],
    ['answers with a page', [200, undefined]],
    ['answers something else', [200, {queue: []}]],
  ])('tell of one that %s that it did not answer, each time', async (_what, answer) => {
    expect(await queues([[200, BUSY], answer])).toEqual([
      [busy, {backend: '1'}],
      [busy, {backend: '1'}],
    ])
  })

  test('are not there where we may see none', async () => {
    expect(
      await queues([
        [401, undefined],
        [404, undefined],
      ]),
    ).toEqual([undefined, undefined])
  })
})
