import {debug, endGroup, error, info, notice, startGroup, warning} from '@actions/core'
import {redact} from '../secrets.ts'
import {foreign} from '../text.ts'

/** Where in the repository something is wrong. */
export interface Place {
  /** Relative to the repository's root, with forward slashes. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Clean of secrets, and of lines that the runner would take for a command: the one way any text gets into its log. */
function safe(text: string): string {
  return foreign(redact(text))
}

export function say(text: string): void {
  info(safe(text))
}

export function sayDebug(text: string): void {
  debug(safe(text))
}

const ANNOTATE = {error, warning, notice}

/** The runner shows ten annotations of each kind; what is told of a place shows in the diff, too. */
export function annotate(kind: keyof typeof ANNOTATE, text: string, title: string, place?: Place): void {
  const where = place ? {file: place.file, startLine: place.line, startColumn: place.column} : {}
  ANNOTATE[kind](safe(text), {title: safe(title), ...where})
}

/** A part of the log that is folded away. */
export async function grouped<T>(title: string, work: () => Promise<T>): Promise<T> {
  startGroup(safe(title))
  try {
    return await work()
  } finally {
    endGroup()
  }
}
