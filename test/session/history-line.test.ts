import {describe, expect, test} from '@jest/globals'
import fc from 'fast-check'
import {formatLine, isSessionId, MAX_LINE_BYTES, parseLine} from '../../src/session/history-line.ts'
import {advance, newSession} from '../../src/session/replay.ts'
import type {SessionState} from '../../src/session/session.ts'

const at = '2026-02-14T20:35:00.123Z'
const created = newSession('gen-1', {asset: 'hero', run: 'r1', owner: 'o-0123456789abcdef', at})
const request = {
  run: 'r1',
  asset: 'hero',
  prompt: 'a hero',
  parameters: {steps: 8},
  output: 'assets/hero.png',
  server: 'http://localhost:7801',
}

describe('a line of a history', () => {
  test('has the keys of seed 003 first, and ours under ag', () => {
    const generating = advance(
      created,
      {event: 'progress', state: 'generating', progress: 0.45, message: 'Sampling 9/20'},
      at,
    )
    const json = JSON.parse(formatLine('progress', generating).toString())
    expect(Object.keys(json)).toEqual([
      'timestamp',
      'session',
      'status',
      'progress',
      'message',
      'task_id',
      'metadata',
      'ag',
    ])
    expect(json).toMatchObject({
      timestamp: at,
      session: 'gen-1',
      status: 'working',
      progress: 0.45,
      message: 'Sampling 9/20',
      ag: {v: 1, seq: 2, epoch: 1, ev: 'progress', state: 'generating'},
    })
  })

  test.each<[SessionState, string]>([
    ['pending', 'idle'],
    ['starting', 'working'],
    ['generating', 'working'],
    ['completed', 'completed'],
    ['failed', 'error'],
    ['cancelled', 'error'],
    ['lost', 'error'],
  ])('calls %s what seed 003 calls it: %s', (state, word) => {
    expect(JSON.parse(formatLine('x', {...created, state}).toString()).status).toBe(word)
  })

  test('with a count that nothing could be added to is none', () => {
    const far = {...created, epoch: Number.MAX_SAFE_INTEGER}
    expect(parseLine(formatLine('x', far).toString().trim())).toBeUndefined()
  })

  test('read back is what was written', () => {
    const done = advance(
      created,
      {
        event: 'completed',
        state: 'completed',
        progress: 1,
        submission: {kind: 'swarmui', phase: 'ack', handle: 'ag/r1/hero'},
        result: {
          picture: {path: 'a/b.png', sha256: 'f'.repeat(64), bytes: 3, width: 1, height: 2, format: 'png'},
          seed: 5,
          model: 'm',
        },
      },
      at,
    )
    expect(parseLine(formatLine('completed', done).toString())).toMatchObject({
      timestamp: at,
      event: 'completed',
      session: done,
    })
    expect(parseLine(formatLine('created', created, request).toString())?.request).toEqual(request)
  })

  test('is never longer than one write may be', () => {
    const long = {...request, prompt: '"ü'.repeat(40_000), parameters: {x: 'y'.repeat(50_000)}}
    const line = formatLine('created', {...created, message: 'm'.repeat(9000)}, long)
    expect(line.length).toBeLessThanOrEqual(MAX_LINE_BYTES)
    expect(parseLine(line.toString())?.request?.prompt.startsWith('"ü"ü')).toBe(true)
  })

  test('of an event that nobody knows yet still tells its state', () => {
    const line = formatLine('teleported', {...created, state: 'generating'}).toString()
    expect(parseLine(line)).toMatchObject({event: 'teleported', session: {state: 'generating'}})
  })

  test('of a newer version is shown as unsupported', () => {
    const line = formatLine('created', created).toString().replace('"v":1', '"v":9')
    expect(parseLine(line)?.session.unsupported).toBe(true)
  })

  test.each([
    ['', 'nothing'],
    ['{', 'half an object'],
    ['[]', 'a list'],
    ['null', 'null'],
    ['{"__proto__":{"x":1}}', 'a prototype'],
    [`{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'a deep one'],
    [formatLine('x', created).toString().replace('"gen-1"', '"../../etc"'), 'an id that climbs'],
    [formatLine('x', created).toString().replace('"pending"', '"exploded"'), 'a state that is none'],
    [formatLine('x', created).toString().replaceAll(at, 'yesterday'), 'a time that is none'],
    [formatLine('x', created).toString().replace('"seq":1', '"seq":-1'), 'a negative sequence'],
    [formatLine('x', created).toString().replace('"seq":1', '"seq":1e400'), 'an infinite sequence'],
  ])('%j is passed over: %s', (text) => {
    expect(parseLine(text)).toBeUndefined()
  })

  test('cut anywhere is passed over: a torn write cannot be taken for a whole one', () => {
    const line = formatLine('created', created, request).toString().trimEnd()
    for (let length = 0; length < line.length; length++) expect(parseLine(line.slice(0, length))).toBeUndefined()
  })

  test('read from anything never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseLine(text)),
      {numRuns: 3000},
    )
  })
})

describe('a session id', () => {
  test.each(['gen-abc123', 'A', '0_x-9'])('may be %s', (id) => expect(isSessionId(id)).toBe(true))
  test.each(['', '-x', '../x', 'a/b', 'a.b', 'con', 'COM1', 'x'.repeat(129), 7, null])('may not be %j', (id) => {
    expect(isSessionId(id)).toBe(false)
  })
})
