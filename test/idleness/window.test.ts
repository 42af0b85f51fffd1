import {describe, expect, test} from '@jest/globals'
import {StabilityWindow} from '../../src/idleness/window.ts'

type Step = readonly [from: number, to: number, quiet: boolean]

/** Looks at the given milliseconds of both clocks, planned a second apart. */
function looked(stableForMs: number, steps: readonly Step[], wallJump = 0): StabilityWindow {
  const window = new StabilityWindow(stableForMs)
  let wall = 0
  for (const [from, to, quiet] of steps) {
    const at = (monotonic: number): {wall: number; monotonic: number} => ({wall: monotonic + wall, monotonic})
    window.add({from: at(from), to: at(to), quiet}, 2000)
    wall += wallJump
  }
  return window
}

describe('the window of stability', () => {
  test.each<[string, number, readonly Step[], boolean]>([
    ['is not stable before a look', 0, [], false],
    ['of no length takes one quiet look', 0, [[0, 10, true]], true],
    ['of no length takes none that was busy', 0, [[0, 10, false]], false],
    [
      'is stable when it is long enough',
      2000,
      [
        [0, 10, true],
        [1200, 1210, true],
        [2400, 2410, true],
      ],
      true,
    ],
    [
      'counts from the first answer to the last request, not more',
      2400,
      [
        [0, 10, true],
        [1200, 1210, true],
        [2400, 2500, true],
      ],
      false,
    ],
    [
      'needs three looks, however short it is',
      100,
      [
        [0, 10, true],
        [1200, 1210, true],
      ],
      false,
    ],
    [
      'counts looks only once that see the same cached status',
      100,
      [
        [0, 10, true],
        [300, 310, true],
        [600, 610, true],
        [900, 910, true],
      ],
      false,
    ],
    [
      'begins anew after one look that was not quiet',
      2000,
      [
        [0, 10, true],
        [1200, 1210, true],
        [2400, 2410, false],
        [3600, 3610, true],
        [4800, 4810, true],
      ],
      false,
    ],
    [
      'begins anew after a gap in which nobody looked',
      2000,
      [
        [0, 10, true],
        [1200, 1210, true],
        [9000, 9010, true],
      ],
      false,
    ],
  ])('%s', (_what, stableForMs, steps, stable) => {
    expect(looked(stableForMs, steps).stable).toBe(stable)
  })

  test('begins anew when the wall clock ran on while the machine was suspended', () => {
    const looks: Step[] = [
      [0, 10, true],
      [1200, 1210, true],
      [2400, 2410, true],
    ]
    expect(looked(2000, looks).stable).toBe(true)
    expect(looked(2000, looks, 60_000).stable).toBe(false)
  })

  test('is not lengthened by a wall clock that is set forward a little', () => {
    const window = looked(
      5000,
      [
        [0, 10, true],
        [1200, 1210, true],
        [2400, 2410, true],
      ],
      1500,
    )
    expect(window.quietMs).toBe(2390)
  })
})
