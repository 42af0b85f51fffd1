import {styleText} from 'node:util'
import {formatDuration} from '../duration.ts'
import {count} from '../face/count.ts'
import {plainTable} from '../face/plain-table.ts'
import type {HistoryList, ListedSession} from '../history/list.ts'
import type {MergeResult} from '../history/merge.ts'
import type {PruneResult} from '../history/prune.ts'
import type {VerifyResult} from '../history/verify.ts'
import type {HistoryLine} from '../store/session-store.ts'
import {foreignLine} from '../text.ts'

type Colour = Parameters<typeof styleText>[0]

const COLOURS: Readonly<Record<ListedSession['state'], Colour>> = {
  completed: 'green',
  pending: 'yellow',
  starting: 'yellow',
  generating: 'yellow',
  cancelled: 'yellow',
  failed: 'red',
  lost: 'red',
}

function paint(state: ListedSession['state'], text: string = state): string {
  return styleText(COLOURS[state], text, {stream: process.stdout})
}

/** A table of sessions, the newest first. */
export function historyTable({sessions, total}: HistoryList): string {
  if (total === 0) return 'No sessions.'
  const rows = sessions.map(({session, state, started_at: started, duration_seconds: seconds, ...rest}) => [
    session,
    paint(state),
    localTime(started),
    formatDuration(seconds * 1000),
    rest.path ?? rest.error ?? rest.reason ?? ownerText(rest.owner),
  ])
  const table = plainTable(['SESSION', 'STATE', 'STARTED', 'TOOK', 'PICTURE, OR WHY NOT'], rows)
  return total > sessions.length ? `${table}\n\n${total - sessions.length} older ones: --limit ${total}` : table
}

function ownerText(owner: ListedSession['owner']): string {
  if (owner === 'dead') return 'its process is gone: ag recover'
  if (owner === 'foreign') return 'begun on another machine: ag recover'
  return owner === 'unknown' ? 'whether its process lives is not known' : ''
}

/** One line of a history, for people. */
export function historyLine({timestamp, event, session}: HistoryLine): string {
  const {state, progress, message, result} = session
  const percent = event === 'progress' ? ` ${Math.round(progress * 100)}%` : ''
  const path = result?.picture?.path ? `  ${foreignLine(result.picture.path, 200)}` : ''
  const word = foreignLine(event, 20).padEnd(11)
  return `${localTime(timestamp)}  ${paint(state, word)} ${foreignLine(message, 300)}${percent}${path}`
}

export function mergeSummary({
  lines,
  damaged,
  added,
  changed,
  unchanged,
  live,
  conflicts,
  put_aside: aside,
}: MergeResult): string {
  const read = `Read ${count(lines, 'line')}: ${count(added, 'session')} new, ${changed} with new lines, ${unchanged} known already.`
  const text = [read]
  if (damaged > 0)
    text.push(`${count(damaged, 'line')} of them ${damaged === 1 ? 'is' : 'are'} none of a history, left out.`)
  if (conflicts > 0) {
    const differ = `${count(conflicts, 'line')} differ${conflicts === 1 ? 's' : ''} between the copies`
    text.push(`${differ}: two machines had gone on with a session. Kept is what says more of its end.`)
  }
  for (const path of aside) text.push(`As it was here before: ${path}`)
  if (live.length > 0) text.push(`Left alone, because a process is writing them: ${live.join(', ')}`)
  return text.join('\n')
}

export function pruneSummary({removed, kept, active, dry_run: dryRun}: PruneResult): string {
  const word = dryRun ? 'Would remove' : 'Removed'
  const others = active > 0 ? `, and ${active} that ${active === 1 ? 'is' : 'are'} not settled` : ''
  return `${word} ${count(removed.length, 'history', 'histories')}; ${kept} stay${others}.`
}

export function verifySummary({sessions, lines, pictures, findings}: VerifyResult): string {
  const text = findings.map(({session, path, kind, message}) => {
    const mark = kind === 'damage' ? styleText('red', 'damage', {stream: process.stdout}) : 'note  '
    return `${mark}  ${session ?? path} ${message}.`
  })
  const damaged = findings.filter(({kind}) => kind === 'damage').length
  const verdict = damaged === 0 ? 'All histories are whole' : `${count(damaged, 'finding')} of damage`
  const seen = `${count(sessions, 'session')}, ${count(lines, 'line')}, ${count(pictures, 'picture')} as recorded`
  return [...text, `${verdict}: ${seen}.`].join('\n')
}

/** As a clock on the wall shows it here, with the date, in an order that sorts. */
function localTime(stamp: string): string {
  const date = new Date(stamp)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
