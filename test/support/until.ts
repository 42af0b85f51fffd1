import {AssertionError} from 'node:assert'
import type {Report} from '../../src/context.ts'

const PATIENCE_MS = 20_000

/** Looks again and again until something holds; what never does is named, instead of a test that ran out of time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const started = performance.now()
  while (!(await holds())) {
    if (performance.now() - started > PATIENCE_MS)
      throw new AssertionError({message: `${what}: not in ${PATIENCE_MS / 1000} s`})
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Waits for something that an operation tells of. */
export function untilTold(
  {events}: {readonly events: readonly Report[]},
  name: Report['event'],
  is: (event: Report) => boolean = () => true,
): Promise<void> {
  return until(`the event ${name}`, () => events.some((event) => event.event === name && is(event)))
}
