import {describe, expect, test} from '@jest/globals'
import {ExitCode} from '../../../src/errors.ts'
import {readApiAnswer} from '../../../src/server/swarmui/answer.ts'

const server = 'http://localhost:7801'

function answer(status: number, contentType: string, body: string, location = '') {
  return {status, contentType, location, bytes: Buffer.from(body)}
}

describe('an API answer', () => {
  test('is its JSON when it is a success', () => {
    expect(readApiAnswer('X', answer(200, 'application/json', '{"success":true}'), server)).toEqual({success: true})
  })

  test.each([
    [
      'an unknown session (recording 13)',
      answer(401, 'application/json', '{"error":"Invalid session ID.","error_id":"invalid_session_id"}'),
      {errorId: 'invalid_session_id'},
    ],
    [
      'a missing permission (recording 21)',
      answer(400, 'application/json', '{"error_id":"bad_permissions","error":"You lack permissions for this route."}'),
      {errorId: 'bad_permissions', exitCode: ExitCode.denied},
    ],
    [
      'a missing permission of 0.9.7',
      answer(302, '', '', '/Error/Permissions'),
      {errorId: 'bad_permissions', exitCode: ExitCode.denied},
    ],
    ['an unknown route of 0.9.7', answer(302, '', '', '/Error/404'), {errorId: 'bad_route'}],
    ['a bad request of 0.9.7', answer(302, '', '', '/Error/BasicAPI'), {errorId: 'basic_api'}],
    [
      'an error with status 200 (recording 12)',
      answer(200, 'application/json', '{"error":"No model input given."}'),
      {errorId: '', text: 'No model input given.'},
    ],
    [
      'a redirect to a login page',
      answer(302, 'text/html', '', 'https://sso.example.com/login'),
      {exitCode: ExitCode.unreachable, name: 'UnreachableError'},
    ],
    [
      'a login page with status 200',
      answer(200, 'text/html', '<html>Sign in</html>'),
      {exitCode: ExitCode.unreachable, name: 'ForeignAnswerError', status: 200},
    ],
    ['HTML that claims to be JSON', answer(200, 'application/json', '<html>'), {exitCode: ExitCode.unreachable}],
    ['JSON that is no object', answer(200, 'application/json', '7'), {exitCode: ExitCode.unreachable}],
    [
      'wrong credentials (recording 22)',
      answer(401, 'text/plain', 'Unauthorized'),
      {exitCode: ExitCode.denied, name: 'DeniedError'},
    ],
    [
      'a proxy that wants credentials (no recording shows it)',
      answer(401, 'application/json', '{"error":"token expired"}'),
      {exitCode: ExitCode.denied, name: 'DeniedError'},
    ],
    [
      'JSON of a proxy (no recording shows it)',
      answer(429, 'application/json', '{"message":"rate limited"}'),
      {exitCode: ExitCode.unreachable, message: /JSON of another kind \(HTTP 429\)/},
    ],
    ['a proxy without its server', answer(502, 'text/html', '<html>Bad Gateway'), {exitCode: ExitCode.unreachable}],
    ['a broken server', answer(500, 'application/json', '{}'), {exitCode: ExitCode.unreachable}],
  ])('%s is an error', (_what, raw, expected) => {
    let thrown: unknown
    try {
      readApiAnswer('GetGlobalStatus', raw, server)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject(expected)
  })

  test('of a foreign server cannot put commands into a log', () => {
    const raw = answer(302, '', '', 'https://x/\u001b[31m::set-output name=a::b')
    expect(() => readApiAnswer('X', raw, server)).toThrow(
      expect.objectContaining({message: expect.not.stringContaining('\u001b')}) as unknown as Error,
    )
  })
})
