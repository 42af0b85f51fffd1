import type {ParsedLine} from '../session/history-line.ts'
import {decides} from '../session/replay.ts'
import {TERMINAL} from '../session/session.ts'
import {isRedacted, withoutAllWords} from '../session/without-prompts.ts'

/**
 * The union of copies of one history by epoch and sequence, in that order, but with the line that decides the state last:
 * readers look at the end. Where two copies disagree on a line, the one that says more of an end is kept, then the smaller
 * text, so that the result does not depend on the order in which copies are merged, nor on how often. A copy from which the prompts, and messages
 * that quote them, were taken is no other copy, and what was taken is kept.
 */
export function mergeLines(copies: readonly (readonly ParsedLine[])[]): {lines: ParsedLine[]; conflicts: number} {
  const union = new Map<string, ParsedLine>()
  const conflicts = new Set<string>()
  for (const line of copies.flat()) {
    const key = `${line.session.epoch}.${line.session.seq}`
    const known = union.get(key)
    if (known && !isSameLine(known, line)) conflicts.add(key)
    if (!known || prefers(line, known)) union.set(key, line)
  }
  const lines = [...union.values()].sort((a, b) => a.session.epoch - b.session.epoch || a.session.seq - b.session.seq)
  const [first, ...rest] = lines
  const last = rest.reduce((best, line) => (best && decides(best, line) ? best : line), first)
  return {lines: last ? [...lines.filter((line) => line !== last), last] : [], conflicts: conflicts.size}
}

/** A total order, whatever else the copies have: else the result would depend on which are merged first. */
function prefers(line: ParsedLine, over: ParsedLine): boolean {
  const [a, b] = [finality(line), finality(over)]
  if (a !== b) return a > b
  const [redacted, overRedacted] = [isRedacted(line), isRedacted(over)]
  return redacted === overRedacted ? line.text < over.text : overRedacted
}

/** The same line, or what was left of it where others can read it. */
function isSameLine(a: ParsedLine, b: ParsedLine): boolean {
  if (a.text === b.text) return true
  return (isRedacted(a) || isRedacted(b)) && withoutAllWords(a.text) === withoutAllWords(b.text)
}

function finality({session: {state}}: ParsedLine): number {
  return state === 'completed' ? 2 : Number(TERMINAL.has(state))
}
