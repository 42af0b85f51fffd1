import {PassThrough} from 'node:stream'
import {describe, expect, test} from '@jest/globals'
import type {Report} from '../../src/context.ts'
import {eventLines, logLines, silent} from '../../src/face/progress.ts'

const events: Report[] = [
  {event: 'run.started', run: 'r1', server: 'http://x', total: 12, kept: 0, concurrency: 2},
  {event: 'notice', message: 'Backends are still loading.'},
  {event: 'asset.started', asset: 'sun', session: 's1'},
  {event: 'asset.progress', asset: 'sun', session: 's1', progress: 0.5},
  {event: 'asset.retrying', asset: 'sun', session: 's1', attempt: 2, delay_seconds: 1, message: 'no'},
  {
    event: 'asset.completed',
    asset: 'sun',
    session: 's1',
    path: 'assets/sun.png',
    bytes: 1,
    sha256: 'x',
    duration_seconds: 75,
    source: 'made',
  },
  {
    event: 'asset.failed',
    asset: 'moon',
    session: 's2',
    state: 'failed',
    reason: 'rejected',
    message: 'bad',
    next: 'Mend it.',
  },
]

function shown(make: (out: NodeJS.WriteStream) => {report: (event: Report) => void}): string[] {
  const out = new PassThrough()
  const progress = make(out as unknown as NodeJS.WriteStream)
  for (const event of events) progress.report(event)
  return String(out.read() ?? '')
    .split('\n')
    .slice(0, -1)
}

describe('progress', () => {
  test('in a log is a line for what matters, and nothing that moves', () => {
    expect(shown((out) => logLines(out))).toEqual([
      'Making 12 pictures on http://x (run r1, 2 at a time)',
      'Note: Backends are still loading.',
      '      ↻ sun  again in 1 s: no',
      '[ 1/12] ✓ sun  1.2m  assets/sun.png',
      '[ 2/12] ✗ moon  failed: bad Mend it.',
    ])
  })

  test('for a machine is every event as a line of JSON', () => {
    const lines = shown((out) => eventLines(out, () => 0)).map((line) => JSON.parse(line))
    expect(lines).toHaveLength(events.length)
    expect(lines[0]).toEqual({schemaVersion: 1, time: '1970-01-01T00:00:00.000Z', ...events[0]})
  })

  test('in silence is only what a person must know', () => {
    expect(shown((out) => silent(out))).toEqual(['Note: Backends are still loading.'])
  })
})
