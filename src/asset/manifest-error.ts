import {UsageError} from '../errors.ts'
import {foreignLine} from '../text.ts'

/** One thing wrong in a manifest, with its place (counted from 1). */
export interface ManifestProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** Where in the document, e.g. `groups[1].assets[0].width`; empty for the document itself. */
  readonly path: string
  readonly message: string
}

const SHOWN_AT_MOST = 20

/** Everything that is wrong in a manifest at once, one line each: `file:line:column: path: what`. */
export class ManifestError extends UsageError {
  override readonly name = 'ManifestError'
  readonly problems: readonly ManifestProblem[]

  constructor(problems: readonly ManifestProblem[], next?: string) {
    const lines = problems.slice(0, SHOWN_AT_MOST).map(({file, line, column, path, message}) => {
      return `${file}:${line}:${column}: ${path ? `${foreignLine(path)}: ` : ''}${message}`
    })
    if (problems.length > SHOWN_AT_MOST) lines.push(`and ${problems.length - SHOWN_AT_MOST} more`)
    super(lines.join('\n'), {next})
    this.problems = problems
  }
}
