import {systemClock} from '../clock.ts'
import {startDeadline} from '../deadline.ts'
import {InterruptedError} from '../errors.ts'

/**
 * A signal that SIGINT, SIGTERM, SIGHUP (the terminal is gone) or the deadline aborts, with the error that says which. A
 * second signal ends the process at once: the histories are whole after every line.
 */
export function interruptible(deadlineMs?: number): {readonly signal: AbortSignal; readonly release: () => void} {
  const controller = new AbortController()
  const deadline = deadlineMs === undefined ? undefined : startDeadline(systemClock, deadlineMs, controller.signal)
  const signal = deadline?.signal ?? controller.signal
  const onSignal = (name: NodeJS.Signals): void => {
    const error = new InterruptedError(name === 'SIGINT' ? 'SIGINT' : 'SIGTERM')
    if (signal.aborted) process.exit(error.exitCode)
    controller.abort(error)
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, onSignal)
  return {
    signal,
    release: () => {
      deadline?.[Symbol.dispose]()
      for (const name of names) process.off(name, onSignal)
    },
  }
}
