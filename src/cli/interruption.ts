import {DeadlineError, InterruptedError} from '../errors.ts'

/**
 * A signal that SIGINT, SIGTERM or the deadline aborts, with the error that says which. A second SIGINT or SIGTERM ends
 * the process at once: the histories are whole after every line.
 */
export function interruptible(deadlineMs?: number): {readonly signal: AbortSignal; readonly release: () => void} {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals): void => {
    const error = new InterruptedError(name === 'SIGTERM' ? 'SIGTERM' : 'SIGINT')
    if (controller.signal.aborted) process.exit(error.exitCode)
    controller.abort(error)
  }
  const timer =
    deadlineMs === undefined
      ? undefined
      : setTimeout(() => {
          const error = new DeadlineError(`The deadline of ${deadlineMs / 1000} s has passed.`, {
            next: 'Raise --timeout, or run the same command again.',
          })
          controller.abort(error)
        }, deadlineMs)
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer)
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
