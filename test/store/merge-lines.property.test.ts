import {describe, test} from '@jest/globals'
import fc from 'fast-check'
import {formatLine, type ParsedLine, parseLine} from '../../src/session/history-line.ts'
import {decides, newSession} from '../../src/session/replay.ts'
import type {SessionState} from '../../src/session/session.ts'
import {isRedacted, withoutPrompts, withoutQuotedPrompts} from '../../src/session/without-prompts.ts'
import {mergeLines} from '../../src/store/merge-lines.ts'

const RUNS = {numRuns: 20_000}
const STATES: readonly SessionState[] = ['starting', 'generating', 'completed', 'failed', 'cancelled', 'lost']
const AT = '2026-02-14T20:35:00.000Z'

/** Few epochs, sequences and messages, so that copies overlap and disagree. */
const line: fc.Arbitrary<ParsedLine> = fc
  .record({
    epoch: fc.integer({min: 1, max: 3}),
    seq: fc.integer({min: 1, max: 4}),
    state: fc.constantFrom(...STATES),
    message: fc.constantFrom('a', 'b', 'cannot parse a red fox'),
    prompt: fc.constant('a red fox'),
    redacted: fc.boolean(),
  })
  .map((some) => {
    const session = {...newSession('gen-a', {asset: 'a', run: 'r', owner: 'o', at: AT}), ...some}
    const request = {run: 'r', asset: 'a', prompt: some.prompt, parameters: {}, output: 'a.png', server: ''}
    const text = formatLine('progress', session, some.seq === 1 ? request : undefined)
      .toString()
      .trimEnd()
    // What others can read has neither the prompt nor messages that quote it.
    const shown = some.redacted ? withoutQuotedPrompts(withoutPrompts(text), [some.prompt]) : text
    const parsed = parseLine(shown)
    if (!parsed) throw new Error('A line that we format can be parsed.')
    return parsed
  })
const copy = fc.array(line, {maxLength: 6})

function merged(...copies: readonly (readonly ParsedLine[])[]): ParsedLine[] {
  return mergeLines(copies).lines
}

function same(a: readonly ParsedLine[], b: readonly ParsedLine[]): boolean {
  return a.length === b.length && a.every(({text}, at) => text === b[at]?.text)
}

// Properties answer with a word of truth: an expectation for each of the runs would take ten times as long.
describe('the union of copies of a history', () => {
  test('does not depend on their order', () => {
    fc.assert(
      fc.property(copy, copy, (a, b) => {
        const [one, other] = [mergeLines([a, b]), mergeLines([b, a])]
        return same(one.lines, other.lines)
      }),
      RUNS,
    )
  })

  test('does not depend on which are merged first', () => {
    fc.assert(
      fc.property(copy, copy, copy, (a, b, c) => {
        const all = merged(a, b, c)
        return same(merged(merged(a, b), c), all) && same(merged(a, merged(b, c)), all)
      }),
      RUNS,
    )
  })

  test('takes nothing from a whole copy that only lacks its prompts in another', () => {
    fc.assert(
      fc.property(copy, (a) => {
        const whole = merged(a.filter((one) => !isRedacted(one)))
        const bare = whole.flatMap(
          ({text}) => parseLine(withoutQuotedPrompts(withoutPrompts(text), ['a red fox'])) ?? [],
        )
        const {lines, conflicts} = mergeLines([bare, whole])
        return same(lines, whole) && conflicts === 0
      }),
      RUNS,
    )
  })

  test('is the same when merged again', () => {
    fc.assert(
      fc.property(copy, (a) => {
        const once = merged(a)
        return same(merged(once, once), once)
      }),
      RUNS,
    )
  })

  test('has each epoch and sequence once, and none that no copy had', () => {
    fc.assert(
      fc.property(copy, copy, (a, b) => {
        const key = ({session}: ParsedLine): string => `${session.epoch}.${session.seq}`
        const keys = merged(a, b).map(key)
        const wanted = new Set([...a, ...b].map(key))
        return keys.length === wanted.size && keys.every((one) => wanted.has(one))
      }),
      RUNS,
    )
  })

  test('never loses that a picture was finished', () => {
    fc.assert(
      fc.property(copy, copy, (a, b) => {
        const finished = [...a, ...b].some(({session}) => session.state === 'completed')
        return (merged(a, b).at(-1)?.session.state === 'completed') === finished
      }),
      RUNS,
    )
  })

  test('ends with the line that decides, which is where readers look', () => {
    fc.assert(
      fc.property(copy, copy, (a, b) => {
        const lines = merged(a, b)
        const last = lines.at(-1)
        return lines.slice(0, -1).every((other) => last && !decides(other, last))
      }),
      RUNS,
    )
  })
})
