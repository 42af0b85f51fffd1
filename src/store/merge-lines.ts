import type {ParsedLine} from '../session/history-line.ts'
import {decides} from '../session/replay.ts'
import {TERMINAL} from '../session/session.ts'

/**
 * The union of copies of one history by epoch and sequence, in that order, but with the line that decides the state last:
 * readers look at the end. Where two copies disagree on a line, the one that says more of an end is kept, then the smaller
 * text, so that the result does not depend on the order in which copies are merged, nor on how often.
 */
export function mergeLines(copies: readonly (readonly ParsedLine[])[]): {lines: ParsedLine[]; conflicts: number} {
  const union = new Map<string, ParsedLine>()
  let conflicts = 0
  for (const line of copies.flat()) {
    const key = `${line.session.epoch}.${line.session.seq}`
    const known = union.get(key)
    if (known && known.text !== line.text) conflicts++
    if (!known || prefers(line, known)) union.set(key, line)
  }
  const lines = [...union.values()].sort((a, b) => a.session.epoch - b.session.epoch || a.session.seq - b.session.seq)
  const [first, ...rest] = lines
  const last = rest.reduce((best, line) => (best && decides(best, line) ? best : line), first)
  return {lines: last ? [...lines.filter((line) => line !== last), last] : [], conflicts}
}

function prefers(line: ParsedLine, over: ParsedLine): boolean {
  const [a, b] = [finality(line), finality(over)]
  return a === b ? line.text < over.text : a > b
}

function finality({session: {state}}: ParsedLine): number {
  return state === 'completed' ? 2 : Number(TERMINAL.has(state))
}
