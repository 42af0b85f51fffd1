import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import fc from 'fast-check'
import {formatLine, MAX_LINE_BYTES, parseLine} from '../../src/session/history-line.ts'
import {advance, newSession} from '../../src/session/replay.ts'
import type {Session} from '../../src/session/session.ts'
import {readEveryLine, readTail} from '../../src/store/history-reader.ts'
import {temporaryFolder} from '../support/folder.ts'

const RUNS = {numRuns: 20_000}
const AT = '2026-02-14T20:35:00.000Z'

function sessions(count: number): Session[] {
  const all = [newSession('gen-a', {asset: 'a', run: 'r', owner: 'o', at: AT})]
  while (all.length < count) {
    const last = all.at(-1) as Session
    all.push(advance(last, {event: 'progress', state: 'generating', progress: all.length / 10, message: `step é`}, AT))
  }
  return all
}

const LINES = sessions(6).map((session) => formatLine('progress', session))
const WHOLE = Buffer.concat(LINES)

describe('a line that may come from anywhere', () => {
  test('is read or is none, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({unit: 'binary'})), (text) => {
        const line = parseLine(text)
        if (line) expect(line.session.id).toMatch(/^[A-Za-z0-9]/)
      }),
      RUNS,
    )
  })

  test('is read or is none when a part of a good one is replaced by anything', () => {
    const good = LINES[2]?.toString().trimEnd() ?? ''
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(40), fc.string({maxLength: 20}), (at, length, text) => {
        const line = parseLine(good.slice(0, at) + text + good.slice(at + length))
        if (!line) return
        const {session} = line
        expect(session.progress).toBeGreaterThanOrEqual(0)
        expect(session.progress).toBeLessThanOrEqual(1)
        expect(session.id).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/)
        expect(Number.isSafeInteger(session.seq) && Number.isSafeInteger(session.epoch)).toBe(true)
        expect(Number.isFinite(Date.parse(session.updatedAt))).toBe(true)
      }),
      RUNS,
    )
  })

  test('survives being written and read, and is never longer than one write', () => {
    fc.assert(
      fc.property(fc.string({unit: 'binary', maxLength: 3000}), fc.nat(1000), (message, progress) => {
        const before = {...(sessions(1)[0] as Session), message, progress: progress / 1000}
        const line = formatLine('progress', before)
        expect(line.length).toBeLessThanOrEqual(MAX_LINE_BYTES)
        const after = parseLine(line.toString().trimEnd())?.session
        expect(after).toMatchObject({progress: before.progress, seq: before.seq})
      }),
      RUNS,
    )
  })
})

describe('a history', () => {
  test('that was cut off anywhere tells its last whole line', async () => {
    await using folder = temporaryFolder()
    const path = join(folder.path, 'gen-a.jsonl')
    // Every single place, which is better than twenty thousand random ones.
    for (let size = 0; size <= WHOLE.length; size++) {
      writeFileSync(path, WHOLE.subarray(0, size))
      let [whole, bytes] = [0, 0]
      for (const {length} of LINES) {
        bytes += length
        if (bytes <= size) whole++
      }
      const tail = readTail(path, 'gen-a')
      expect(tail?.line.session.seq).toBe(whole === 0 ? undefined : whole)
      if (tail) expect(tail.torn).toBe(size !== LINES.slice(0, whole).reduce((sum, {length}) => sum + length, 0))
    }
  })

  test('in which bytes were overwritten tells a line that was written, or none', async () => {
    await using folder = temporaryFolder()
    const path = join(folder.path, 'gen-a.jsonl')
    const written = new Set(LINES.map((line) => line.toString().trimEnd()))
    fc.assert(
      fc.property(fc.nat(WHOLE.length - 1), fc.uint8Array({minLength: 1, maxLength: 30}), (at, garbage) => {
        const bytes = Buffer.from(WHOLE)
        bytes.set(garbage.subarray(0, bytes.length - at), at)
        writeFileSync(path, bytes)
        const texts = [...readEveryLine(path, 'gen-a')].flatMap((line) => (typeof line === 'object' ? [line.text] : []))
        readTail(path, 'gen-a')
        // At most two neighbours can be hurt by so few bytes; the others are as they were.
        return texts.filter((text) => written.has(text)).length >= LINES.length - 2
      }),
      RUNS,
    )
  })
})
