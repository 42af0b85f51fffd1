import {describe, expect, test} from '@jest/globals'
import {UsageError} from '../../../src/errors.ts'
import {redact} from '../../../src/secrets.ts'
import {identityHeaders} from '../../../src/server/swarmui/identity.ts'

describe('the headers of an identity', () => {
  test('carry nothing but a name when there are no credentials', () => {
    expect(identityHeaders({})).toEqual({headers: {'user-agent': 'ag'}, secret: false})
  })

  test('put each layer where the server looks for it', () => {
    const {headers, secret} = identityHeaders({
      token: 'abc.def.ghi',
      authorization: 'secret words',
      userId: 'ci',
      headers: ['X-Api-Key=k123456', 'cookie: a=b'],
    })
    expect(secret).toBe(true)
    expect(headers).toEqual({
      'user-agent': 'ag',
      'x-api-key': 'k123456',
      cookie: 'a=b; swarm_token=abc.def.ghi',
      authorization: 'secret words',
      'x-swarm-user_id': 'ci',
    })
  })

  test('are registered as secrets', () => {
    identityHeaders({token: 'tok-9f8e7d', authorization: 'Bearer zyx987', headers: ['x-key=hdr-secret-1']})
    expect(redact('tok-9f8e7d Bearer zyx987 hdr-secret-1')).toBe('*** *** ***')
  })

  test.each([{headers: ['nothing']}, {headers: ['bad name=x']}, {token: 'a\nb'}, {userId: 'é\u0000'}])(
    'refuse %j',
    (identity) => {
      expect(() => identityHeaders(identity)).toThrow(UsageError)
    },
  )
})
