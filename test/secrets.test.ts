import {describe, expect, test} from '@jest/globals'
import {addSecret, onSecret, redact, redactJson, redactValues} from '../src/secrets.ts'

describe('the redactor', () => {
  test('tells of each secret once, those before and those to come', () => {
    addSecret('known-before')
    const heard: string[] = []
    onSecret((secret) => heard.push(secret))
    addSecret('known-before')
    addSecret('known-later')
    expect(heard.filter((secret) => secret.startsWith('known'))).toEqual(['known-before', 'known-later'])
  })

  test('blanks registered secrets, SwarmUI sessions and passwords in URLs', () => {
    addSecret('hunter2hunter2')
    expect(redact('key hunter2hunter2!')).toBe('key ***!')
    expect(redact(`{"session_id":"${'a1'.repeat(20)}"}`)).toBe('{"session_id":"***"}')
    expect(redact('at https://me:pw@host/x')).toBe('at https://***@host/x')
    expect(redact('at http://ag:hunter#2?x@host:7801')).toBe('at http://***@host:7801')
    expect(redact('at https://me:p@ss@host/x?to=me@host')).toBe('at https://***@host/x?to=me@host')
  })

  test('leaves nothing of a secret of which another is a part', () => {
    addSecret('abcdef')
    addSecret('abcdef-and-more')
    expect(redact('x abcdef-and-more y abcdef z')).toBe('x *** y *** z')
  })

  test('does not blank out words for a secret of a few letters', () => {
    addSecret('cat')
    expect(redact('a cat')).toBe('a cat')
  })

  test('leaves a value what it is but for its texts', () => {
    addSecret('say "please"')
    const value = {
      prompt: 'a poster for https://acme.com',
      parameters: {file: 'hero@2x.png', steps: 8, note: 'say "please"', at: ['https://me:pw@host', null, true]},
      session_id: 'a1'.repeat(20),
    }
    const clean = {
      ...value,
      parameters: {...value.parameters, note: '***', at: ['https://***@host', null, true]},
      session_id: '***',
    }
    expect(redactValues(value)).toEqual(clean)
    expect(JSON.parse(redactJson(JSON.stringify(value)))).toEqual(clean)
  })

  test.each(['{"a": 1.0,  "b": "x"}', '{"url":"https://acme.com","file":"hero@2x.png"}'])(
    '%s has nothing to redact, and stays as it is written',
    (text) => {
      expect(redactJson(text)).toBe(text)
    },
  )
})
