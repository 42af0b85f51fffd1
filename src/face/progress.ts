import {styleText} from 'node:util'
import type {Report} from '../context.ts'
import {formatDuration} from '../duration.ts'
import {foreignLine} from '../text.ts'

/** Shows what happens while it happens. `close` leaves the terminal as it found it. */
export interface Progress {
  readonly report: (event: Report) => void
  close(): void
}

/** For `--events`: each event as one line of JSON with the time and a schema version. */
export function eventLines(out: NodeJS.WritableStream, now: () => number): Progress {
  return {
    report: (event) => {
      out.write(`${JSON.stringify({schemaVersion: 1, time: new Date(now()).toISOString(), ...event})}\n`)
    },
    close: () => {},
  }
}

/** Nothing but what a person must know. */
export function silent(out: NodeJS.WriteStream): Progress {
  return {
    report: (event) => {
      if (event.event === 'notice') out.write(`${styleText('yellow', 'Note:', {stream: out})} ${event.message}\n`)
    },
    close: () => {},
  }
}

/** For logs: a line for each beginning of a run, each picture and each failure, and nothing that moves. */
export function logLines(out: NodeJS.WriteStream, write = (line: string): unknown => out.write(line)): Progress {
  let total = 0
  let finished = 0
  const paint: Paint = (format, text) => styleText(format, text, {stream: out})
  const counted = (): string => `[${String(++finished).padStart(String(total).length)}/${total}]`
  return {
    report: (event) => {
      const line = toLine(event, paint, counted)
      if (event.event === 'run.started') total = event.total
      if (line !== undefined) write(`${line}\n`)
    },
    close: () => {},
  }
}

type Paint = (format: Parameters<typeof styleText>[0], text: string) => string

function toLine(event: Report, paint: Paint, counted: () => string): string | undefined {
  switch (event.event) {
    case 'run.started':
      return runStarted(event)
    case 'notice':
      return `${paint('yellow', 'Note:')} ${event.message}`
    case 'asset.completed':
      return `${counted()} ${paint('green', '✓')} ${event.asset}  ${event.source === 'adopted' ? 'found' : formatDuration(event.duration_seconds * 1000)}  ${foreignLine(event.path)}`
    case 'asset.retrying':
      return `      ${paint('yellow', '↻')} ${event.asset}  again in ${event.delay_seconds} s: ${event.message}`
    case 'asset.failed':
      return `${counted()} ${paint('red', '✗')} ${event.asset}  ${event.state}: ${event.message}${event.next ? ` ${event.next}` : ''}`
    case 'recover.session':
      return `${paint(event.state === 'completed' ? 'green' : 'yellow', event.state)} ${event.session}: ${event.message}${event.path ? ` (${foreignLine(event.path)})` : ''}`
    case 'recover.waiting':
      return `Waiting for ${event.sessions} ${event.sessions === 1 ? 'session' : 'sessions'} that the server still works on, for at most ${formatDuration(event.timeout_seconds * 1000)}`
    case 'wait.started':
      return `Waiting until ${event.servers.join(', ')} ${event.servers.length === 1 ? 'is' : 'are'} ready, for at most ${formatDuration(event.timeout_seconds * 1000)}`
    case 'wait.restarted':
      return `${paint('yellow', 'Note:')} ${event.server} was restarted: what was queued there is lost.`
    case 'wait.state':
    case 'wait.heartbeat':
      return `${waitState(event, paint)}: ${event.reason}`
    default:
      return undefined
  }
}

function waitState(
  {event, server, address, state}: Extract<Report, {event: 'wait.state' | 'wait.heartbeat' | 'wait.look'}>,
  paint: Paint,
): string {
  const where = address && !server.includes(address) ? `${server} (${address})` : server
  const still = event === 'wait.heartbeat' ? 'still ' : ''
  return `${where} is ${still}${paint(state === 'idle' ? 'green' : 'yellow', state)}`
}

function runStarted({
  total,
  kept,
  server,
  run,
  concurrency,
}: Extract<Report, {event: 'run.started'}>): string | undefined {
  if (total === 0) return undefined
  const more = kept > 0 ? `, ${kept} more there already` : ''
  return `Making ${total} ${total === 1 ? 'picture' : 'pictures'} on ${server} (run ${run}, ${concurrency} at a time${more})`
}
