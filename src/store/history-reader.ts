import {closeSync, constants, fstatSync, openSync, readSync} from 'node:fs'
import {MAX_LINE_BYTES, type ParsedLine, parseLine} from '../session/history-line.ts'
import {decides} from '../session/replay.ts'

/** The end of a history: its state, and how the file ends. */
export interface Tail {
  readonly line: ParsedLine
  /** Bytes in the file. */
  readonly size: number
  /** The last line has no line break: its writer died, or is writing at this moment. */
  readonly torn: boolean
}

const FIRST_LOOK = 4 * 1024
const FURTHEST_LOOK = 64 * 1024

/**
 * Reads the state from the last few kilobytes of a history: what follows the last line break is dropped, and of the whole
 * lines the deciding one counts (`decides`). A file that is a link, no file at all, or has no valid line, is
 * `undefined`. Never blocks on a FIFO, never reads a large file whole, writes nothing.
 */
export function readTail(path: string, id: string): Tail | undefined {
  const fd = openForReading(path)
  if (fd === undefined) return undefined
  try {
    const facts = fstatSync(fd)
    if (!facts.isFile()) return undefined
    for (let look = FIRST_LOOK; ; look *= 4) {
      const start = Math.max(0, facts.size - look)
      const text = readRange(fd, start, facts.size)
      const line = newest(text, id, start > 0)
      if (line) return {line, size: facts.size, torn: !text.endsWith('\n')}
      if (start === 0 || look >= FURTHEST_LOOK) return undefined
    }
  } finally {
    closeSync(fd)
  }
}

/** All valid lines of a history, oldest first, in bounded memory: a line that is too long is skipped. */
export function* readLines(path: string, id: string): Generator<ParsedLine> {
  for (const line of readEveryLine(path, id)) if (typeof line === 'object') yield line
}

/** As `readLines`, with a word for what is no valid line: `damaged`, or `torn` for a last one without a line break. */
export function* readEveryLine(path: string, id: string): Generator<ParsedLine | 'damaged' | 'torn'> {
  let torn = false
  for (const text of readTexts(path, () => (torn = true))) {
    // An empty line is how a writer begins anew after a torn one.
    if (text !== '') yield (text === undefined ? undefined : readOwn(text, id)) ?? 'damaged'
  }
  if (torn) yield 'torn'
}

/** The texts of the lines of a history; nothing for a link, or what is no file. `onTorn` hears of a last line without an end. */
function* readTexts(path: string, onTorn: () => void): Generator<string | undefined> {
  const fd = openForReading(path)
  if (fd === undefined) return
  try {
    if (fstatSync(fd).isFile()) yield* textsOf(fd, {onTorn})
  } finally {
    closeSync(fd)
  }
}

interface TextOptions {
  /** Hears that the last line has no line break. */
  readonly onTorn?: () => void
  /** Take such a line for one all the same. */
  readonly lastToo?: boolean
}

/** What was read is copied out of it before anybody else can read. */
const block = Buffer.alloc(64 * 1024)

/** The texts of all lines of an open file, in bounded memory: `undefined` for one that is too long. */
export function* textsOf(fd: number, {onTorn, lastToo = false}: TextOptions): Generator<string | undefined> {
  let rest = Buffer.alloc(0)
  let skipping = false
  for (let read = readSync(fd, block); read > 0; read = readSync(fd, block)) {
    let bytes = Buffer.concat([rest, block.subarray(0, read)])
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      yield skipping || end >= MAX_LINE_BYTES ? undefined : bytes.toString('utf8', 0, end)
      skipping = false
      bytes = bytes.subarray(end + 1)
    }
    if (bytes.length > MAX_LINE_BYTES) {
      skipping = true
      bytes = Buffer.alloc(0)
    }
    rest = Buffer.from(bytes)
  }
  if (skipping || rest.length > 0) onTorn?.()
  if (lastToo && rest.length > 0) yield rest.toString('utf8')
}

function openForReading(path: string): number | undefined {
  try {
    // Windows has neither flag; there the folder is ours alone.
    return openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch {
    return undefined
  }
}

function readRange(fd: number, from: number, to: number): string {
  const buffer = Buffer.alloc(to - from)
  let at = 0
  while (at < buffer.length) {
    const read = readSync(fd, buffer, at, buffer.length - at, from + at)
    if (read === 0) break
    at += read
  }
  return buffer.toString('utf8', 0, at)
}

function newest(text: string, id: string, startsInside: boolean): ParsedLine | undefined {
  const lines = text.split('\n').slice(startsInside ? 1 : 0, -1)
  let best: ParsedLine | undefined
  for (const line of lines) {
    const parsed = readOwn(line, id)
    if (parsed && (!best || decides(parsed, best))) best = parsed
  }
  return best
}

/** A line of another session in this one's file is not a line of it. */
function readOwn(text: string, id: string): ParsedLine | undefined {
  const parsed = parseLine(text.endsWith('\r') ? text.slice(0, -1) : text)
  return parsed?.session.id === id ? parsed : undefined
}
