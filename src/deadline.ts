import type {Clock} from './clock.ts'
import {DeadlineError} from './errors.ts'

export interface Deadline extends Disposable {
  /** Aborted with a `DeadlineError` when the time is up, or as the parent is. */
  readonly signal: AbortSignal
  readonly passed: () => boolean
}

/** How late a deadline may be noticed after the machine was suspended: timers stand still meanwhile. */
const TICK_MS = 500

/** A deadline by wall clock and monotonic clock, whichever comes first. Dispose of it to stop its timer. */
export function startDeadline(clock: Clock, ms: number, parent?: AbortSignal): Deadline {
  const wall = clock.now() + ms
  const monotonic = clock.monotonic() + ms
  const remaining = (): number => Math.min(wall - clock.now(), monotonic - clock.monotonic())
  const controller = new AbortController()
  const stop = new AbortController()
  const tick = async (): Promise<void> => {
    while (remaining() > 0) await clock.sleep(Math.min(remaining(), TICK_MS), stop.signal)
    controller.abort(
      new DeadlineError(`The deadline of ${ms / 1000} s has passed.`, {
        next: 'Raise --timeout, or run the same command again.',
      }),
    )
  }
  // Rejects only when it is stopped.
  tick().catch(() => {})
  return {
    signal: parent ? AbortSignal.any([parent, controller.signal]) : controller.signal,
    passed: () => remaining() <= 0,
    [Symbol.dispose]: () => stop.abort(),
  }
}
