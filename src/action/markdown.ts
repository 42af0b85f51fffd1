import {redact} from '../secrets.ts'
import {foreign, foreignLine} from '../text.ts'

/** What GitHub would read as markup, a mention or a link: as characters they stand for themselves. */
const MARKUP = /[&<>"'`|*_~[\]()#!\\@:/]/g

/** Text that is not ours, on one line, as part of a paragraph or a table: shown as it is, whatever it says. */
export function plain(text: string, length = 200): string {
  return foreignLine(redact(text), length).replace(MARKUP, (sign) => `&#${sign.codePointAt(0)};`)
}

/** A table. The cells must be safe already. */
export function table(head: readonly string[], rows: readonly string[]): string {
  return [row(head), row(head.map(() => '---')), ...rows].join('\n')
}

export function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** Lines of text that is not ours, each on one line, in a block that none of them can end. */
export function verbatim(lines: readonly string[]): string {
  return block(lines.map((line) => foreignLine(redact(line), 400)).join('\n'))
}

/** A command as it is to be typed, with whatever line breaks and spaces it has. */
export function command(text: string): string {
  return block(foreign(redact(text)))
}

function block(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${text}\n${fence}`
}

/** What is folded away until somebody wants it. */
export function folded(title: string, content: string): string {
  return `<details><summary>${title}</summary>\n\n${content}\n\n</details>`
}
