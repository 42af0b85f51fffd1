import {InterruptedError} from '../errors.ts'

/**
 * A signal that SIGINT, SIGTERM or SIGHUP (the terminal is gone) aborts, with the error that says which. A second signal ends
 * the process at once: the histories are whole after every line.
 */
export function interruptible(): {readonly signal: AbortSignal} & Disposable {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals): void => {
    const error = new InterruptedError(name)
    if (controller.signal.aborted) process.exit(error.exitCode)
    controller.abort(error)
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, onSignal)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, onSignal)
    },
  }
}
