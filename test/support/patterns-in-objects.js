import {expect} from '@jest/globals'

// To Jest a pattern in an expected object is an object without keys, which everything has: such an expectation could not fail.
expect.addEqualityTesters([
  (received, expected) => {
    if (!(expected instanceof RegExp) || received instanceof RegExp) return undefined
    return typeof received === 'string' && expected.test(received)
  },
])
