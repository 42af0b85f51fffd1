import {describe, expect, test} from '@jest/globals'
import {foreign, foreignLine} from '../src/text.ts'

describe('foreign text', () => {
  test.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007x', 'x'],
    ['a\u0000b\u0008c', 'abc'],
    ['user\u202egnp.exe', 'usergnp.exe'],
    ['one\r\ntwo\rthree', 'one\ntwo\nthree'],
    ['tab\there', 'tab\there'],
    ['plain — Größe 🎨', 'plain — Größe 🎨'],
  ])('%j is printed as %j', (text, printed) => {
    expect(foreign(text)).toBe(printed)
  })

  test.each([
    '::set-output name=x::y',
    'first\n::error::x',
    '  ::warning::x',
    '##[command]rm',
    'in a line ##[command]rm',
  ])('%j is no command to a runner', (text) => {
    for (const line of foreign(text).split('\n')) expect(line).not.toMatch(/^\s*::|##\[/)
  })

  test('on one line is cut with an ellipsis', () => {
    expect(foreignLine('a\n  b', 10)).toBe('a b')
    expect(foreignLine('x'.repeat(20), 10)).toBe(`${'x'.repeat(9)}…`)
  })
})
