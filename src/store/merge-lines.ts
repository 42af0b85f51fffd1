import type {ParsedLine} from '../session/history-line.ts'
import {decides} from '../session/replay.ts'
import {TERMINAL} from '../session/session.ts'
import {promptsIn, withoutPrompts, withoutQuotedPrompts} from '../session/without-prompts.ts'

/**
 * The union of copies of one history by epoch and sequence, in that order, but with the line that decides the state last:
 * readers look at the end. Where two copies disagree on a line, the one that says more of an end is kept, then the smaller
 * text, so that the result does not depend on the order in which copies are merged, nor on how often. A copy from which the prompts, and messages
 * that quote them, were taken is no other copy, and what was taken is kept.
 */
export function mergeLines(copies: readonly (readonly ParsedLine[])[]): {lines: ParsedLine[]; conflicts: number} {
  const union = new Map<string, ParsedLine>()
  const bare = redactor(copies.flat())
  let conflicts = 0
  for (const line of copies.flat()) {
    const key = `${line.session.epoch}.${line.session.seq}`
    const known = union.get(key)
    if (known && known.text !== line.text && bare(known) !== bare(line)) conflicts++
    if (!known || prefers(line, known, bare)) union.set(key, line)
  }
  const lines = [...union.values()].sort((a, b) => a.session.epoch - b.session.epoch || a.session.seq - b.session.seq)
  const [first, ...rest] = lines
  const last = rest.reduce((best, line) => (best && decides(best, line) ? best : line), first)
  return {lines: last ? [...lines.filter((line) => line !== last), last] : [], conflicts}
}

type Bare = (line: ParsedLine) => string

/** A line as everybody may read it, by the prompts that any of the copies still has. */
function redactor(lines: readonly ParsedLine[]): Bare {
  const requests = lines.flatMap(({request}) => (request && !request.redacted ? [request] : []))
  const prompts = requests.flatMap(({prompt, parameters}) => [prompt, ...promptsIn(parameters)])
  return ({text}) => withoutQuotedPrompts(withoutPrompts(text), prompts)
}

function prefers(line: ParsedLine, over: ParsedLine, bare: Bare): boolean {
  if (line.text === over.text) return false
  const [a, b] = [finality(line), finality(over)]
  if (a !== b) return a > b
  const [isBare, overBare] = [bare(line) === line.text, bare(over) === over.text]
  return isBare === overBare ? line.text < over.text : overBare
}

function finality({session: {state}}: ParsedLine): number {
  return state === 'completed' ? 2 : Number(TERMINAL.has(state))
}
