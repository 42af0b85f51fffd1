import {expect, test} from '@jest/globals'
import {connectWhenNeeded} from '../../src/face/connect-when-needed.ts'
import {startMock} from '../../src/server/mock/start.ts'
import {INSTANT} from '../support/context.ts'

test('a server that is connected to when it is needed is like one that was before', async () => {
  const mock = await startMock(INSTANT)
  const {port} = new URL(mock.url)
  await using connection = connectWhenNeeded({
    server: `localhost:${port}`,
    token: undefined,
    authorization: undefined,
    'user-id': undefined,
    header: undefined,
    'allow-insecure': false,
  })
  const {server} = connection
  expect(server.contact()).toEqual({})
  expect(await Promise.resolve(server)).toBe(server)
  expect(await server.userId(new AbortController().signal)).toBe('local')
  expect(server.contact()).toMatchObject({address: '127.0.0.1'})
  await mock.close()
})
