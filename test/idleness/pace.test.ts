import {describe, expect, test} from '@jest/globals'
import {Pace} from '../../src/idleness/pace.ts'

const delays = (pace: Pace, looks: readonly (readonly [quiet: boolean, queue: number | undefined])[]): number[] =>
  looks.map(([quiet, queue]) => Math.round(pace.next({quiet, queue})))

describe('the pace of looks', () => {
  test('is never quicker than the cache of the server, quiet or busy', () => {
    const pace = new Pace(undefined, () => 0)
    for (const delay of delays(pace, [
      [true, 0],
      [false, 3],
      [true, undefined],
    ])) {
      expect(delay).toBeGreaterThanOrEqual(1100)
    }
  })

  test('slows down while the server stays busy, up to 5 s', () => {
    const pace = new Pace(undefined, () => 0)
    const slow = delays(
      pace,
      Array.from({length: 12}, () => [false, 4] as const),
    )
    expect(slow[0]).toBe(1100)
    expect(slow).toEqual([...slow].sort((a, b) => a - b))
    expect(slow.at(-1)).toBe(5000)
  })

  test('quickens when the queue shrinks, and when it is quiet', () => {
    const pace = new Pace(undefined, () => 0)
    expect(
      delays(pace, [
        [false, 4],
        [false, 4],
        [false, 4],
        [false, 3],
        [false, 3],
        [true, 0],
      ]),
    ).toEqual([1100, 1430, 1859, 1100, 1430, 1100])
  })

  test('differs between those who wait for the same server', () => {
    expect(new Pace(undefined, () => 1).next({quiet: true, queue: 0})).toBeCloseTo(1265)
  })

  test('is what was asked for, if it was', () => {
    expect(
      delays(new Pace(50), [
        [false, 9],
        [true, 0],
      ]),
    ).toEqual([50, 50])
  })
})
