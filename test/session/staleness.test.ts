import {describe, expect, test} from '@jest/globals'
import {staleness} from '../../src/session/staleness.ts'

describe('silence', () => {
  test.each([
    [0, 'fresh'],
    [5 * 60_000, 'fresh'],
    [5 * 60_000 + 1, 'stale'],
    [15 * 60_000, 'stale'],
    [15 * 60_000 + 1, 'very_stale'],
    [-1000, 'fresh'],
  ])('of %d ms is %s', (ms, label) => {
    expect(staleness(ms)).toBe(label)
  })
})
