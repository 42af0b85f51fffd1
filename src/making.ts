/** What all pictures of one run share. */
export interface Making {
  readonly run: string
  /** Who we are to the server. */
  readonly user: string
  /** How many pictures the run makes. */
  readonly total: number
  /** Ids of sessions that the run has already: it was interrupted, and is gone on with. */
  readonly sessionIds: ReadonlySet<string>
  /** Absolute; where histories measure paths from. */
  readonly workspace: string
  readonly outputDirectory: string
  readonly snapshots: boolean
  readonly retries: number
  /** Milliseconds before the first retry. */
  readonly retryDelayMs: number
  /** Keeps what another process needs to stop this run's work, before there is any. */
  readonly keepCredential: (secret: string) => Promise<void>
  /** Stops this run's work on the server, once, however many pictures ask for it. */
  readonly interrupt: () => Promise<void>
}
