import {describe, expect, test} from '@jest/globals'
import {gantt} from '../../src/action/gantt.ts'
import {folded, plain, verbatim} from '../../src/action/markdown.ts'
import type {Performance} from '../../src/action/performance.ts'
import {stepSummary} from '../../src/action/summary.ts'
import {Timeline} from '../../src/action/timeline.ts'
import type {CompletedAsset, UnfinishedAsset} from '../../src/generation/outcome.ts'

const performance: Performance = {
  status: 'completed',
  exitCode: 0,
  words: '',
  headline: 'all made.',
  outputs: {},
  report: {},
}

function summary(change: Partial<Performance>, timeline = new Timeline(() => 0)): string {
  return stepSummary({
    command: 'generate',
    performance: {...performance, ...change},
    timeline,
    links: [{title: 'History', url: 'https://github.com/x'}],
    reproduction: 'ag generate --server mock',
  })
}

function outcome(n: number, change: Partial<CompletedAsset> = {}): CompletedAsset {
  const picture = {path: `assets/a${n}.png`, sha256: '0'.repeat(64), bytes: 1, width: 1, height: 1, format: 'png'}
  const made = {asset: `a${n}`, session: `gen-r-a${n}`, state: 'completed', source: 'made', why: 'new'} as const
  return {...made, seed: n, duration_seconds: 1, picture, ...change}
}

function failure(n: number, message: string): UnfinishedAsset {
  return {asset: `a${n}`, state: 'failed', error: {reason: 'failed', message}}
}

/** The sanitiser of GitHub leaves these to mean something. */
const HOSTILE =
  '<img src=x onerror=y> | @everyone [link](http://evil) `code` **bold** #1 ![x](y) a\n::error::b </details>'

describe('the summary', () => {
  test('tells the result, each picture and why it was made, what to click and how to do the same', () => {
    const text = summary({
      assets: [outcome(1), outcome(2, {source: 'kept'}), failure(3, 'no')],
    })
    expect(text).toMatch(/^### ✅ ag generate: all made\./)
    const rows = text.split('\n').filter((line) => /^\| (✅|❌)/.test(line))
    expect(rows.map((row) => row.split(' | ').slice(2, 3)[0])).toEqual(['failed', 'made', 'up to date'])
    expect(text).toMatch(/it is new/)
    expect(text).toMatch(/\[History\]\(https:\/\/github\.com\/x\)/)
    expect(text).toMatch(/ag generate --server mock/)
  })

  test('says what was waited for, and why', () => {
    let now = 0
    const timeline = new Timeline(() => now)
    timeline.note({
      event: 'wait.started',
      servers: ['gpu'],
      scope: 'auto',
      required: 1,
      timeout_seconds: 60,
      stable_for_seconds: 1,
    })
    timeline.note({event: 'wait.state', server: 'gpu', state: 'busy', reason: '2 at a backend', quiet_seconds: 0})
    now = 90_000
    timeline.note({event: 'wait.finished', open: true, verdict: 'idle', waited_seconds: 90})
    expect(summary({}, timeline)).toMatch(/Waited 1\.5m for the server:\n\n- gpu is busy&#58; 2 at a backend/)
  })

  test('shows what is not ours as it is: nothing of it is markup, a mention or a link', () => {
    const timeline = new Timeline(() => 0)
    timeline.note({event: 'notice', message: `${HOSTILE} \`\`\`\n~~~`})
    const text = summary(
      {
        error: {message: HOSTILE, next: HOSTILE},
        exitCode: 1,
        headline: HOSTILE,
        assets: [failure(1, HOSTILE)],
      },
      timeline,
    )
    const outside = text.replace(/(`{3,})[a-z]*\n[\s\S]*?\n\1/g, '')
    expect(outside).not.toMatch(/<img|@everyone|\]\(http:\/\/evil|\*\*bold|`code`|!\[x\]|::error/)
    // What is shown in a block cannot end it, nor what is folded.
    expect(text.match(/<\/details>/g)?.length).toBe((text.match(/<details>/g)?.length ?? 0) + 1)
    expect(text).toMatch(/````text\n/)
  })

  test('of 5,000 pictures, and of 5,000 that failed with long errors, is smaller than GitHub takes', () => {
    for (const state of ['completed', 'failed'] as const) {
      const timeline = new Timeline(() => 0)
      const message = HOSTILE.repeat(20)
      const assets = Array.from({length: 5000}, (_, n) => ({
        ...(state === 'failed' ? failure(n, message) : outcome(n)),
        asset: `a-rather-long-name-of-an-asset-${n}`,
      }))
      for (const {asset} of assets)
        timeline.note({event: 'asset.failed', asset, session: 's', state: 'failed', reason: 'x', message})
      const text = summary({assets, error: {message}, exitCode: 6}, timeline)
      expect(Buffer.byteLength(text)).toBeLessThan(2 ** 20)
      expect(text).toMatch(state === 'completed' ? /and 4950 more/ : /more: the output `report` names a file with all/)
      expect(text).toMatch(/ag generate --server mock/)
    }
  })
})

describe('the gantt', () => {
  test('has a section for each kind, and at most so many bars', () => {
    const stretches = Array.from(
      {length: 200},
      (_, n) => ({name: `a${n}`, from: n * 1000, to: n * 1000 + n, state: n % 2 ? 'made' : 'failed'}) as const,
    )
    const chart = gantt([{name: 'waiting', from: 0, to: 90_000, state: 'waited'}, ...stretches]) ?? ''
    expect(chart.match(/ {2}section /g)).toHaveLength(3)
    expect(chart.split('\n').filter((line) => / :/.test(line))).toHaveLength(60)
    expect(chart).toMatch(/waiting :1970-01-01 00:00:00, 90s/)
    expect(chart.length).toBeLessThan(50_000)
  })

  test('takes no name of a picture for a word of its own', () => {
    expect(gantt([{name: 'title', from: 0, to: 5000, state: 'made'}])).toMatch(/^ {2}_title :done, /m)
  })

  test('of nothing is none', () => {
    expect(gantt([])).toBeUndefined()
  })
})

describe('markdown', () => {
  test.each([
    ['plain words, 5 of them.', 'plain words, 5 of them.'],
    ['a|b', 'a&#124;b'],
    ['<b>', '&#60;b&#62;'],
    ['two\nlines', 'two lines'],
  ])('%j is shown as it is', (text, shown) => {
    expect(plain(text)).toBe(shown)
  })

  test('a block is longer than any row of ticks in it', () => {
    expect(verbatim(['a ```` b'])).toBe('`````text\na ```` b\n`````')
  })

  test('what is folded is separated by empty lines, so that it is markdown', () => {
    expect(folded('More', '| a |')).toBe('<details><summary>More</summary>\n\n| a |\n\n</details>')
  })
})
