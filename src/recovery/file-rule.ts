import picomatch from 'picomatch'

/** Which files in a session's folder say that it is finished: each of the globs must match one. */
export interface FileRule {
  readonly complete: readonly string[]
}

/** Without a rule, one picture is enough: what `ag` itself and most generators of images leave. */
export const ANY_PICTURE: FileRule = {complete: ['*.{png,jpg,jpeg,webp}']}

const PICTURE = /\.(png|jpe?g|webp)$/i

export interface Matched {
  readonly outputs: 'none' | 'partial' | 'complete'
  /** Of the files that the rule asks for, those that should be pictures. */
  readonly pictures: readonly string[]
}

/**
 * Makes a function that judges a folder by the names of its files, relative to it and with forward slashes. Made once: globs
 * are compiled. Case does not count.
 */
export function fileRule({complete}: FileRule): (names: readonly string[]) => Matched {
  const matchers = complete.map((glob) => picomatch(glob, {nocase: true}))
  return (names) => {
    const files = names.filter((name) => name !== SNAPSHOT_FILE && !name.startsWith('.'))
    const hits = matchers.map((matches) => files.filter((name) => matches(name)))
    const outputs = files.length === 0 ? 'none' : hits.every((found) => found.length > 0) ? 'complete' : 'partial'
    return {outputs, pictures: [...new Set(hits.flat())].filter((name) => PICTURE.test(name))}
  }
}

/** What seed 004 calls the file that tells a session's state. */
export const SNAPSHOT_FILE = 'session_state.json'
