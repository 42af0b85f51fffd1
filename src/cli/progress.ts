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
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, {stream: out})
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

function toLine(
  event: Report,
  paint: (format: Parameters<typeof styleText>[0], text: string) => string,
  counted: () => string,
): string | undefined {
  switch (event.event) {
    case 'run.started':
      return `Making ${event.total} ${event.total === 1 ? 'picture' : 'pictures'} on ${event.server} (run ${event.run}, ${event.concurrency} at a time)`
    case 'notice':
      return `${paint('yellow', 'Note:')} ${event.message}`
    case 'asset.completed':
      return `${counted()} ${paint('green', '✓')} ${event.asset}  ${formatDuration(event.duration_seconds * 1000)}  ${foreignLine(event.path)}`
    case 'asset.retrying':
      return `      ${paint('yellow', '↻')} ${event.asset}  again in ${event.delay_seconds} s: ${event.message}`
    case 'asset.failed':
      return `${counted()} ${paint('red', '✗')} ${event.asset}  ${event.state}: ${event.message}${event.next ? ` ${event.next}` : ''}`
    default:
      return undefined
  }
}
