import {formatDuration} from '../duration.ts'
import type {AssetOutcome} from '../make-picture.ts'
import {gantt} from './gantt.ts'
import {folded, plain, row, verbatim} from './markdown.ts'
import type {Performance} from './performance.ts'
import type {Timeline} from './timeline.ts'

/** What the summary of a step is made of. */
export interface SummaryContent {
  readonly command: string
  readonly performance: Performance
  readonly timeline: Timeline
  /** Pages of what was uploaded. */
  readonly links: readonly {readonly title: string; readonly url: string}[]
  /** The command that does the same elsewhere. */
  readonly reproduction: string
}

/** GitHub refuses a summary of more than 1 MiB whole; some room is left for what other tools write in the same step. */
const MAX_BYTES = 1_000_000
const OPEN_ROWS = 50

const MARKS: Readonly<Record<AssetOutcome['state'], string>> = {
  completed: '✅',
  failed: '❌',
  cancelled: '⏹️',
  lost: '❓',
  pending: '⏳',
}

const WHY: Readonly<Record<NonNullable<AssetOutcome['why']>, string>> = {
  new: 'it is new',
  changed: 'its prompt or parameters changed',
  missing: 'its file was missing or changed',
  unfinished: 'an earlier run did not get it',
  random: 'its seed is random',
  forced: 'it was asked for again',
}

/** The summary of a step, in GitHub's Markdown, never larger than GitHub takes: what is long gives way, and says so. */
export function stepSummary(content: SummaryContent): string {
  const {command, performance, timeline, links, reproduction} = content
  const {error, exitCode, headline, assets = [], sessions = [], findings = [], run} = performance
  const head = [
    `### ${exitCode === 0 ? '✅' : '❌'} ag ${command}: ${plain(headline, 300)}`,
    ...(error && exitCode !== 0
      ? [`**${plain(error.message, 1000)}**${error.next ? ` ${plain(error.next, 400)}` : ''}`]
      : []),
    ...(timeline.waited ? [waitedFor(timeline)] : []),
  ]
  const tail = [
    ...(links.length > 0 ? [links.map(({title, url}) => `[${title}](${url})`).join(' · ')] : []),
    ...(run === undefined ? [] : [`Run \`${run}\`.`]),
    `The same on a machine of your own:\n\n${verbatim([reproduction])}`,
  ]
  const chart = gantt(timeline.stretches)
  const budget = MAX_BYTES - size([...head, ...tail]) - size([chart ?? ''])
  const table = assetTable(assets, Math.floor(budget * 0.8))
  const middle = [
    ...(table ? [table] : []),
    ...(sessions.length > 0 ? [sessionTable(sessions)] : []),
    ...(findings.length > 0 ? [findingTable(findings)] : []),
    ...(chart ? [folded('When', chart)] : []),
  ]
  const rest = MAX_BYTES - size([...head, ...middle, ...tail])
  const history = historyOf(timeline, Math.min(rest - 500, 200_000))
  return `${[...head, ...middle, ...(history ? [history] : []), ...tail].join('\n\n')}\n`
}

function size(parts: readonly string[]): number {
  return parts.reduce((sum, part) => sum + Buffer.byteLength(part) + 2, 0)
}

function waitedFor({stretches, reasons}: Timeline): string {
  const ms = stretches.filter(({state}) => state === 'waited').reduce((sum, {from, to}) => sum + to - from, 0)
  const why = reasons.map((reason) => `- ${plain(reason, 300)}`).join('\n')
  return `Waited ${formatDuration(ms)} for the server to be idle${why ? `:\n\n${why}` : '.'}`
}

/** What was not made comes first, then what was, then what needed nothing. */
function assetTable(assets: readonly AssetOutcome[], budget: number): string | undefined {
  if (assets.length === 0) return undefined
  const rank = ({state, source}: AssetOutcome): number => (state !== 'completed' ? 0 : source === 'kept' ? 2 : 1)
  const sorted = assets.toSorted((a, b) => rank(a) - rank(b))
  const head = [row(['', 'asset', 'state', 'seed', 'took', 'why']), row(['---', '---', '---', '---', '---', '---'])]
  const lines: string[] = []
  let left = budget - size(head) - 300
  for (const asset of sorted) {
    const line = assetRow(asset)
    left -= Buffer.byteLength(line) + 1
    if (left < 0) break
    lines.push(line)
  }
  const table = (rows: readonly string[]): string => [...head, ...rows].join('\n')
  const missing = assets.length - lines.length
  const more = missing > 0 ? `\n\nand ${missing} more: the output \`report\` names a file with all.` : ''
  if (lines.length <= OPEN_ROWS) return table(lines) + more
  const others = folded(`and ${lines.length - OPEN_ROWS} more`, table(lines.slice(OPEN_ROWS)))
  return `${table(lines.slice(0, OPEN_ROWS))}\n\n${others}${more}`
}

function assetRow({asset, state, source, seed, duration_seconds: seconds, why, error, picture}: AssetOutcome): string {
  const what =
    state === 'completed' ? (source === 'kept' ? 'up to date' : source === 'adopted' ? 'found' : 'made') : state
  const reason = error
    ? plain(error.message, 200)
    : why && source !== 'adopted'
      ? WHY[why]
      : source === 'adopted'
        ? 'an earlier run had got it finished'
        : ''
  const name = picture ? `${plain(asset, 100)}<br>${plain(picture.path, 200)}` : plain(asset, 100)
  return row([
    MARKS[state],
    name,
    what,
    seed === undefined ? '' : String(seed),
    seconds === undefined ? '' : formatDuration(seconds * 1000),
    reason,
  ])
}

const ROWS_AT_MOST = 500

function sessionTable(sessions: NonNullable<Performance['sessions']>): string {
  const rows = sessions
    .slice(0, ROWS_AT_MOST)
    .map(({session, state, message}) => row([plain(session), plain(state), plain(message, 300)]))
  const more = sessions.length > ROWS_AT_MOST ? `\n\nand ${sessions.length - ROWS_AT_MOST} more.` : ''
  return [row(['session', 'state', '']), row(['---', '---', '---']), ...rows].join('\n') + more
}

function findingTable(findings: NonNullable<Performance['findings']>): string {
  const rows = findings.map(({name, state, detail}) => row([plain(name), plain(state), plain(detail, 400)]))
  return [row(['', 'state', '']), row(['---', '---', '---']), ...rows].join('\n')
}

/** What happened, the newest of it if it is too much. */
function historyOf({moments}: Timeline, budget: number): string | undefined {
  if (moments.length === 0) return undefined
  const lines: string[] = []
  let left = budget
  for (const {at, words} of moments.toReversed()) {
    const line = `${new Date(at).toISOString().slice(11, 19)}  ${words}`
    left -= Buffer.byteLength(line) + 1
    if (left < 0) break
    lines.unshift(line)
  }
  if (lines.length === 0) return undefined
  const cut = lines.length < moments.length ? `, the last ${lines.length} of ${moments.length} lines` : ''
  return folded(`History${cut}`, verbatim(lines))
}
