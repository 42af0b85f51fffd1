import {stripVTControlCharacters} from 'node:util'

/** Controls except tab and newline, and the marks that reorder text on screen. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/**
 * Makes text that is not ours (prompts, server errors, state from elsewhere) safe to print: no ANSI sequences, control
 * characters or reordering marks, and nothing that a CI runner would execute: `::command::` at the beginning of a line, the older
 * `##[command]` anywhere in it.
 */
export function foreign(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r\n?/g, '\n')
    .replace(INVISIBLE, '')
    .replace(/^(\s*)::/gm, '$1\u200b::')
    .replaceAll('##[', '#\u200b#[')
}

/** `foreign` on one line and at most `length` characters, with an ellipsis where it was cut. */
export function foreignLine(text: string, length = 200): string {
  const line = foreign(text).replace(/\s+/g, ' ').trim()
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}
