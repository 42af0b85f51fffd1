import {readdirSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

/** One event of a recording; see the README beside the recordings. */
export interface RecordedEvent {
  readonly t_ms: number
  readonly t_end_ms?: number
  readonly kind: 'http' | 'ws' | 'note'
  readonly conn?: string
  readonly dir?: 'in' | 'out'
  readonly event?: string
  readonly text?: unknown
  readonly code?: number
  readonly url?: string
  readonly error?: string
  readonly status?: number
  readonly request?: {
    readonly method: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly json?: unknown
    readonly body?: string
    readonly chunked?: boolean
  }
  readonly response?: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly json?: unknown
    readonly body?: string
  }
}

export interface Recording {
  readonly scenario: string
  readonly description: string
  readonly events: readonly RecordedEvent[]
}

const folder = fileURLToPath(new URL('../../fixtures/recordings/', import.meta.url))

/** The names of all recordings of a server's version. */
export function recordingNames(server: string): readonly string[] {
  return readdirSync(folder + server)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
}

export function recording(server: string, name: string): Recording {
  return JSON.parse(readFileSync(`${folder}${server}/${name}.json`, 'utf8'))
}

/** What one WebSocket of a recording received, and the code it was closed with. */
export function socketOf({events}: Recording, conn: string): {frames: readonly unknown[]; code: number | undefined} {
  const own = events.filter((event) => event.kind === 'ws' && event.conn === conn)
  return {
    frames: own.filter(({dir}) => dir === 'in').map(({text}) => text),
    code: own.find(({event}) => event === 'closed')?.code,
  }
}
