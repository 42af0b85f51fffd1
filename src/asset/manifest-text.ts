import {type Alias, type Document, isCollection, isMap, isNode, LineCounter, parseDocument, visit} from 'yaml'
import type {ManifestProblem} from './manifest-error.ts'
import {ManifestError} from './manifest-error.ts'

type Path = readonly PropertyKey[]

/** A parsed manifest that knows where everything stands. */
export interface ManifestText {
  readonly value: unknown
  /** A problem at a path; `key` points at the key itself instead of its value. */
  problem(path: Path, message: string, key?: string): ManifestProblem
}

const MAX_ALIASES = 100

/** Parses YAML or JSON (which YAML contains). Throws `ManifestError` for syntax errors, duplicate keys and alias bombs. */
export function parseManifestText(file: string, text: string): ManifestText {
  const first = new Located(file, text)
  first.refuseErrors()
  let located: Located | undefined
  return {
    value: first.value(),
    // The tree with positions of ten thousand assets is large, and only needed when something is wrong: then it is made again.
    problem: (path, message, key) => {
      located ??= new Located(file, text)
      return located.problem(path, message, key)
    },
  }
}

/** Instead of what the library says to programmers. */
const WORDS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second YAML document begins here; a manifest is one',
  DUPLICATE_KEY: 'this key is in its map already',
}

/** A document with the places of everything in it. */
class Located {
  readonly document: Document
  readonly #file: string
  readonly #lines = new LineCounter()

  constructor(file: string, text: string) {
    this.#file = file
    this.document = parseDocument(text, {lineCounter: this.#lines, merge: true, prettyErrors: false})
  }

  refuseErrors(): void {
    const {errors} = this.document
    if (errors.length > 0) {
      throw new ManifestError(
        errors.map(({code, pos, message}) => this.#at(pos[0], [], WORDS[code] ?? message.split('\n')[0] ?? message)),
        'Mend the YAML (or JSON) first.',
      )
    }
    const aliases: Alias[] = []
    visit(this.document, {Alias: (_key, alias) => void aliases.push(alias)})
    if (aliases.length > MAX_ALIASES) throw new ManifestError([this.#at(0, [], `has more than ${MAX_ALIASES} aliases`)])
    const lost = aliases.filter((alias) => alias.resolve(this.document) === undefined)
    if (lost.length > 0) {
      throw new ManifestError(
        lost.map(({source, range}) =>
          this.#at(range?.[0] ?? 0, [], `*${source} stands for nothing: there is no &${source} before it`),
        ),
      )
    }
  }

  value(): unknown {
    try {
      return this.document.toJS({maxAliasCount: MAX_ALIASES})
    } catch (error) {
      // Of aliases: what is merged is no map, or one stands for thousands of others.
      throw new ManifestError([this.#at(0, [], (error as Error).message)], 'Mend the YAML aliases first.')
    }
  }

  problem(path: Path, message: string, key?: string): ManifestProblem {
    return this.#at(offsetOf(this.document, path, key), key === undefined ? path : [...path, key], message)
  }

  #at(offset: number, path: Path, message: string): ManifestProblem {
    const {line, col} = this.#lines.linePos(offset)
    return {file: this.#file, line: Math.max(1, line), column: Math.max(1, col), path: showPath(path), message}
  }
}

/** Where a path stands; where it does not exist, where the nearest thing around it begins. */
function offsetOf(document: Document, path: Path, key?: string): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
    if (!isNode(node)) continue
    if (key !== undefined && depth === path.length && isMap(node)) {
      const pair = node.items.find(({key: own}) => String(own) === key)
      if (isNode(pair?.key)) return pair.key.range?.[0] ?? 0
    }
    if (depth > 0 && isCollection(node)) {
      const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true)
      const pair = isMap(parent)
        ? parent.items.find(({key: own}) => String(own) === String(path[depth - 1]))
        : undefined
      if (isNode(pair?.key)) return pair.key.range?.[0] ?? 0
    }
    return node.range?.[0] ?? 0
  }
  return 0
}

function showPath(path: Path): string {
  return path.reduce<string>((shown, part) => {
    if (typeof part === 'number') return `${shown}[${part}]`
    return shown === '' ? String(part) : `${shown}.${String(part)}`
  }, '')
}
