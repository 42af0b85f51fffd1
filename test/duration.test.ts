import {describe, expect, test} from '@jest/globals'
import {formatDuration} from '../src/duration.ts'
import {parseDuration} from '../src/face/duration.ts'

describe('a duration', () => {
  test.each([
    [-5, '0s'],
    [0.5, '0s'],
    [2.5, '2s'],
    [45, '45s'],
    [59.4, '59s'],
    [59.5, '1.0m'],
    [60, '1.0m'],
    [75, '1.2m'],
    [150, '2.5m'],
    [3597, '1.0h'],
    [3600, '1.0h'],
    [4500, '1.2h'],
    [172_800, '48.0h'],
  ])('of %d s is shown as %s', (seconds, text) => {
    expect(formatDuration(seconds * 1000)).toBe(text)
  })

  test.each([
    ['45s', 45_000],
    ['90', 90_000],
    ['1.5h', 5_400_000],
    ['500ms', 500],
    ['2 m', 120_000],
    ['1d', 86_400_000],
  ])('is read from %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each(['', 'soon', '-5s', '5 weeks', '1e3', '99d'])('"%s" is none', (text) => {
    expect(() => parseDuration(text)).toThrow(/not a duration|too long to wait/)
  })
})
