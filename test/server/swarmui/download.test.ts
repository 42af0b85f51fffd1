import {describe, expect, test} from '@jest/globals'
import {ExitCode} from '../../../src/errors.ts'
import {readPicture} from '../../../src/server/swarmui/download.ts'

function answer(status: number, contentType: string, body: string) {
  return {status, contentType, location: '', bytes: Buffer.from(body)}
}

const refusal = (error_id: string, error: string) => JSON.stringify({error, error_id})

describe('the answer to a request for a picture', () => {
  test('is its bytes', () => {
    expect(readPicture('View/local/a.png', answer(200, 'image/png', 'bytes'), 'http://x')).toEqual(Buffer.from('bytes'))
  })

  test.each([
    [
      'that is not there (recording 25)',
      answer(404, 'application/json', refusal('file_not_found', '404, file not found.')),
      {name: 'GenerationError', fault: 'missing'},
    ],
    [
      'of somebody else (recording 21)',
      answer(400, 'application/json', refusal('unauthorized', "unauthorized - you may not view other users' outputs")),
      {
        exitCode: ExitCode.denied,
        message: "SwarmUI does not hand out View/a.png: unauthorized - you may not view other users' outputs",
        next: /--user-id/,
      },
    ],
    [
      'for somebody it does not know (recording 23)',
      answer(400, 'application/json', refusal('invalid_user', 'invalid or unauthorized')),
      {exitCode: ExitCode.denied},
    ],
    [
      'that a proxy does not let through (no recording shows it)',
      answer(401, 'application/json', '{"error":"token expired"}'),
      {exitCode: ExitCode.denied},
    ],
    ['with wrong credentials (recording 22)', answer(401, '', 'Unauthorized'), {exitCode: ExitCode.denied}],
    [
      'that the server cannot read (no recording shows it: reference 1.5)',
      answer(500, 'application/json', refusal('file_error', 'Error reading file.')),
      {name: 'GenerationError', fault: 'broken', message: /Error reading file/, next: /log of the server/},
    ],
    [
      'when the server fails, and says so (no recording shows it)',
      answer(500, 'application/json', refusal('internal_error', 'An internal error occurred')),
      {name: 'GenerationError', fault: 'withheld', next: /log of the server/},
    ],
    [
      'when the server fails without a word (no recording shows it)',
      answer(500, 'text/html', '<html>'),
      {exitCode: ExitCode.unreachable, next: /see the log/},
    ],
    ['that is a login page', answer(200, 'text/html', '<html>'), {exitCode: ExitCode.unreachable, next: /login page/}],
    [
      'from a proxy without its server',
      answer(503, 'application/json', refusal('x', 'no upstream')),
      {exitCode: ExitCode.unreachable, message: /not the SwarmUI behind it/},
    ],
  ])('%s is an error', (_what, raw, expected) => {
    let thrown: unknown
    try {
      readPicture('View/a.png', raw, 'http://x')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject(expected)
  })
})
