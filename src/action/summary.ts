import {formatDuration} from '../duration.ts'
import {type AssetOutcome, type CompletedAsset, isCompleted, isKept} from '../generation/outcome.ts'
import {gantt} from './gantt.ts'
import {command as commandBlock, folded, plain, row, table, verbatim} from './markdown.ts'
import type {Performance} from './performance.ts'
import type {Timeline} from './timeline.ts'

/** What the summary of a step is made of. */
export interface SummaryContent {
  readonly command: string
  readonly performance: Performance
  readonly timeline: Timeline
  /** The run that made or found something. */
  readonly run?: string | undefined
  /** Pages of what was uploaded. */
  readonly links: readonly {readonly title: string; readonly url: string}[]
  /** The command that does the same elsewhere. */
  readonly reproduction: string
}

/** GitHub refuses a summary of more than 1 MiB whole; some room is left for what other tools write in the same step. */
const MAX_BYTES = 1_000_000
const OPEN_ROWS = 50
const HISTORY_LINES = 500
const REPRODUCTION_BYTES = 50_000

const MARKS: Readonly<Record<AssetOutcome['state'], string>> = {
  completed: '✅',
  failed: '❌',
  cancelled: '⏹️',
  lost: '❓',
  pending: '⏳',
}

const WHY: Readonly<Record<NonNullable<AssetOutcome['why']>, string>> = {
  new: 'it is new',
  unrecorded: 'no history says how its file was made',
  changed: 'its prompt or parameters changed',
  missing: 'its file was missing or changed',
  unfinished: 'an earlier run did not get it',
  random: 'its seed is random',
  forced: 'it was asked for again',
}

/** The summary of a step, in GitHub's Markdown, never larger than GitHub takes: what is long gives way, and says so. */
export function stepSummary(content: SummaryContent): string {
  const {performance, timeline, links, reproduction, run} = content
  const {assets = [], sessions = [], findings = []} = performance
  const head = headOf(content)
  const same =
    Buffer.byteLength(reproduction) <= REPRODUCTION_BYTES
      ? [`The same on a machine of your own:\n\n${commandBlock(reproduction)}`]
      : ['The command that does the same is in the log.']
  const tail = [
    ...(links.length > 0 ? [links.map(({title, url}) => `[${title}](${url})`).join(' · ')] : []),
    ...(run === undefined ? [] : [`Run \`${run}\`.`]),
    ...same,
  ]
  const chart = timeline.stretches.some(({state}) => state !== 'waited') ? gantt(timeline.stretches) : undefined
  const budget = MAX_BYTES - size([...head, ...tail, chart ?? ''])
  const pictures = assetTable(assets, Math.floor(budget * 0.7))
  const middle = [
    ...(pictures ? [pictures] : []),
    ...(sessions.length > 0 ? [sessionTable(sessions)] : []),
    ...(findings.length > 0 ? [findingTable(findings)] : []),
    ...(chart ? [folded('When', chart)] : []),
  ]
  const rest = MAX_BYTES - size([...head, ...middle, ...tail]) - 500
  const history = historyOf(timeline, rest)
  return `${[...head, ...middle, ...(history ? [history] : []), ...tail].join('\n\n')}\n`
}

/** The summary of a step that was refused: nothing of it is known but why. */
export function refusalSummary({error}: Performance): string {
  return `### ❌ ag: nothing was done.\n\n**${plain(error?.message ?? '', 2000)}** ${plain(error?.next ?? '', 400)}\n`
}

function size(parts: readonly string[]): number {
  return parts.reduce((sum, part) => sum + Buffer.byteLength(part) + 2, 0)
}

function headOf({command, performance: {error, exitCode, headline, status}, timeline}: SummaryContent): string[] {
  const mark = exitCode === 0 ? '✅' : status === 'cancelled' ? '⏹️' : '❌'
  const next = error?.next ? ` ${plain(error.next, 400)}` : ''
  return [
    `### ${mark} ag ${command}: ${plain(headline, 300)}`,
    ...(error && exitCode !== 0 ? [`**${plain(error.message, 1000)}**${next}`] : []),
    ...(timeline.waitedMs >= 500 || timeline.reasons.length > 0 ? [waitedFor(timeline)] : []),
  ]
}

function waitedFor({waitedMs, reasons}: Timeline): string {
  const why = reasons.map((reason) => `- ${plain(reason, 300)}`).join('\n')
  return `Waited ${formatDuration(waitedMs)} for the server${why ? `:\n\n${why}` : '.'}`
}

const HEAD = ['', 'asset', 'state', 'seed', 'took', 'why']

/** What was not made comes first, then what was, then what needed nothing. */
function assetTable(assets: readonly AssetOutcome[], budget: number): string | undefined {
  if (assets.length === 0) return undefined
  const rank = (outcome: AssetOutcome): number => (isKept(outcome) ? 2 : isCompleted(outcome) ? 1 : 0)
  const lines: string[] = []
  let left = budget - 500
  for (const asset of assets.toSorted((a, b) => rank(a) - rank(b))) {
    const line = assetRow(asset)
    left -= Buffer.byteLength(line) + 1
    if (left < 0) break
    lines.push(line)
  }
  const missing = assets.length - lines.length
  const more = missing > 0 ? `\n\nand ${missing} more: the output \`report\` names a file with all.` : ''
  if (lines.length <= OPEN_ROWS) return table(HEAD, lines) + more
  const others = folded(`and ${lines.length - OPEN_ROWS} more`, table(HEAD, lines.slice(OPEN_ROWS)))
  return `${table(HEAD, lines.slice(0, OPEN_ROWS))}\n\n${others}${more}`
}

const DONE: Readonly<Record<CompletedAsset['source'], string>> = {made: 'made', kept: 'up to date', adopted: 'found'}

function assetRow(outcome: AssetOutcome): string {
  const {asset, state, seed, duration_seconds: seconds} = outcome
  const place = isCompleted(outcome) ? `<br>${plain(outcome.picture.path, 200)}` : ''
  const took = seconds === undefined ? '' : seconds < 10 ? `${seconds.toFixed(1)}s` : formatDuration(seconds * 1000)
  return row([
    MARKS[state],
    `${plain(asset, 100)}${place}`,
    isCompleted(outcome) ? DONE[outcome.source] : state,
    seed === undefined ? '' : String(seed),
    took,
    reasonOf(outcome),
  ])
}

function reasonOf(outcome: AssetOutcome): string {
  if (!isCompleted(outcome)) return plain(outcome.error?.message ?? '', 200)
  if (outcome.source === 'adopted') return 'an earlier run had got it finished'
  return outcome.why ? WHY[outcome.why] : ''
}

const ROWS_AT_MOST = 500

function sessionTable(sessions: NonNullable<Performance['sessions']>): string {
  const rows = sessions
    .slice(0, ROWS_AT_MOST)
    .map(({session, state, message}) => row([plain(session), plain(state), plain(message, 300)]))
  const more = sessions.length > ROWS_AT_MOST ? `\n\nand ${sessions.length - ROWS_AT_MOST} more.` : ''
  return table(['session', 'state', 'why'], rows) + more
}

function findingTable(findings: NonNullable<Performance['findings']>): string {
  const rows = findings.map(({name, state, detail}) => row([plain(name), plain(state), plain(detail, 400)]))
  return table(['what', 'state', 'detail'], rows)
}

/** What happened, the newest of it if it is too much. */
function historyOf({moments}: Timeline, budget: number): string | undefined {
  const lines: string[] = []
  let left = budget
  for (const {at, words} of moments.slice(-HISTORY_LINES).reverse()) {
    const line = `${new Date(at).toISOString().slice(11, 19)}  ${words}`
    left -= Math.min(Buffer.byteLength(line), 2000) + 1
    if (left < 0) break
    lines.unshift(line)
  }
  if (lines.length === 0) return undefined
  const cut = lines.length < moments.length ? `, the last ${lines.length} of ${moments.length} lines` : ''
  return folded(`History${cut}`, verbatim(lines))
}
