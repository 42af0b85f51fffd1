import {foreignLine, redact} from '../text.ts'

/** What GitHub would read as markup, a mention or a link: as characters they stand for themselves. */
const MARKUP = /[&<>"'`|*_~[\]()#!\\@:/]/g

/** Text that is not ours, on one line, as part of a paragraph or a table: shown as it is, whatever it says. */
export function plain(text: string, length = 200): string {
  return foreignLine(redact(text), length).replace(MARKUP, (sign) => `&#${sign.codePointAt(0)};`)
}

/** A table row. The cells must be safe already. */
export function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** Lines of text that is not ours, as they are, in a block that none of them can end. */
export function verbatim(lines: readonly string[]): string {
  const clean = lines.map((line) => foreignLine(redact(line), 400))
  const longest = Math.max(2, ...clean.flatMap((line) => [...line.matchAll(/`+/g)].map(([ticks]) => ticks.length)))
  const fence = '`'.repeat(longest + 1)
  return [`${fence}text`, ...clean, fence].join('\n')
}

/** What is folded away until somebody wants it. */
export function folded(title: string, content: string): string {
  return `<details><summary>${title}</summary>\n\n${content}\n\n</details>`
}
