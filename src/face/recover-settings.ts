/** What a recovery is when nothing is set. */
export const RECOVER_DEFAULTS = {timeout: '30m', giveUpAfter: '30m', concurrency: 4} as const

/** What `ag recover` may do, and to what. */
export interface RecoverSettings {
  readonly apply: boolean
  readonly wait: boolean
  readonly timeout: string
  readonly resubmit: boolean
  readonly session: string[] | undefined
  readonly since: string | undefined
  readonly 'give-up-after': string
  readonly 'output-dir': string | undefined
  readonly 'complete-when': string[] | undefined
  readonly force: boolean
  readonly concurrency: number
}
