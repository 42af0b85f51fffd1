import type {WaitOptions} from '../../src/wait-idle.ts'

/** A wait as `ag wait-idle` does it, but no longer than a minute. */
export const GATE: WaitOptions = {
  scope: 'auto',
  stableForMs: 10_000,
  timeoutMs: 60_000,
  maxQueue: 0,
  requireBackends: 1,
  required: 1,
  onTimeout: 'fail',
  reverse: false,
  advice: {late: 'Raise --timeout.', denied: 'Or pass --scope own.'},
}
