import columnify from 'columnify'

/** A table without lines: columns that fit their longest cell, two blanks apart. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const named = [head, ...rows].map((row) => Object.fromEntries(row.map((cell, at) => [String(at), cell])))
  const table = columnify(named, {showHeaders: false, columnSplitter: '  ', preserveNewLines: true})
  return table
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
