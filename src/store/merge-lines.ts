import type {ParsedLine} from '../session/history-line.ts'
import {decides} from '../session/replay.ts'
import {TERMINAL} from '../session/session.ts'
import {withoutPrompts} from '../session/without-prompts.ts'

/**
 * The union of copies of one history by epoch and sequence, in that order, but with the line that decides the state last:
 * readers look at the end. Where two copies disagree on a line, the one that says more of an end is kept, then the smaller
 * text, so that the result does not depend on the order in which copies are merged, nor on how often. A copy without its prompts is no
 * other copy, and the prompts are kept.
 */
export function mergeLines(copies: readonly (readonly ParsedLine[])[]): {lines: ParsedLine[]; conflicts: number} {
  const union = new Map<string, ParsedLine>()
  let conflicts = 0
  for (const line of copies.flat()) {
    const key = `${line.session.epoch}.${line.session.seq}`
    const known = union.get(key)
    if (known && !isSameLine(known, line)) conflicts++
    if (!known || prefers(line, known)) union.set(key, line)
  }
  const lines = [...union.values()].sort((a, b) => a.session.epoch - b.session.epoch || a.session.seq - b.session.seq)
  const [first, ...rest] = lines
  const last = rest.reduce((best, line) => (best && decides(best, line) ? best : line), first)
  return {lines: last ? [...lines.filter((line) => line !== last), last] : [], conflicts}
}

function prefers(line: ParsedLine, over: ParsedLine): boolean {
  const [a, b] = [finality(line), finality(over)]
  if (a !== b) return a > b
  const [shown, hidden] = [line.request?.redacted, over.request?.redacted]
  return shown === hidden ? line.text < over.text : hidden === true
}

/** The same line, or what was left of it where others can read it. */
function isSameLine(a: {readonly text: string}, b: {readonly text: string}): boolean {
  return a.text === b.text || withoutPrompts(a.text) === withoutPrompts(b.text)
}

function finality({session: {state}}: ParsedLine): number {
  return state === 'completed' ? 2 : Number(TERMINAL.has(state))
}
