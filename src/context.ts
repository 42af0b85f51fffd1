import type {Clock} from './clock.ts'
import type {ImageServer} from './server/image-server.ts'
import type {SessionStore} from './store/session-store.ts'

/** What happens during an operation, for progress on a terminal, a log, or a machine (`--events`). */
export type Report =
  | {
      readonly event: 'run.started'
      readonly run: string
      readonly server: string
      /** Pictures to make or to find; `kept` ones are there already and not among them. */
      readonly total: number
      readonly kept: number
      readonly concurrency: number
    }
  | {readonly event: 'notice'; readonly message: string}
  | {readonly event: 'asset.started'; readonly asset: string; readonly session: string}
  | {
      readonly event: 'asset.progress'
      readonly asset: string
      readonly session: string
      /** 0..1 */
      readonly progress: number
      readonly step?: number
      readonly steps?: number
    }
  | {
      readonly event: 'asset.retrying'
      readonly asset: string
      readonly session: string
      readonly attempt: number
      readonly delay_seconds: number
      readonly message: string
    }
  | {
      readonly event: 'asset.completed'
      readonly asset: string
      readonly session: string
      readonly path: string
      readonly bytes: number
      readonly sha256: string
      readonly seed?: number
      readonly model?: string
      readonly duration_seconds: number
      /** `adopted`: it was finished before, and found on the server or the disk. */
      readonly source: 'made' | 'adopted'
    }
  | {
      readonly event: 'asset.failed'
      readonly asset: string
      readonly session: string
      readonly state: 'failed' | 'cancelled' | 'lost'
      readonly reason: string
      readonly message: string
      readonly next?: string
    }
  | {
      /** What recovery found out about a session, or did about it. */
      readonly event: 'recover.session'
      readonly session: string
      readonly asset: string
      readonly state: string
      readonly action: string
      readonly outcome: string
      readonly reason: string
      readonly message: string
      readonly path?: string
    }
  | {readonly event: 'recover.waiting'; readonly sessions: number; readonly timeout_seconds: number}
  | {
      readonly event: 'wait.started'
      readonly servers: readonly string[]
      readonly scope: string
      readonly required: number
      readonly timeout_seconds: number
      readonly stable_for_seconds: number
    }
  | WaitNews
  | {readonly event: 'wait.restarted'; readonly server: string}
  | {
      readonly event: 'wait.finished'
      readonly open: boolean
      readonly verdict: 'idle' | 'busy' | 'unknown'
      readonly waited_seconds: number
    }
  | {
      readonly event: 'run.finished'
      readonly run: string
      readonly made: number
      readonly adopted: number
      readonly kept: number
      readonly failed: number
      readonly pending: number
      readonly duration_seconds: number
    }

/** What a wait tells of one server: a new state, that it lasts (once a minute), or just another look. */
type WaitNews = {
  readonly event: 'wait.state' | 'wait.heartbeat' | 'wait.look'
  readonly server: string
  /** The numeric address that answered. */
  readonly address?: string
  readonly state: string
  readonly reason: string
  /** For how long it has been what we wait for. */
  readonly quiet_seconds: number
}

/** What every operation is given. Operations read no flags, no environment and no clock of their own. */
export interface Context {
  readonly server: ImageServer
  readonly sessions: SessionStore
  readonly clock: Clock
  /** Aborted by SIGINT, SIGTERM or the deadline, with an `AgError` as its reason. */
  readonly signal: AbortSignal
  readonly report: (event: Report) => void
}
