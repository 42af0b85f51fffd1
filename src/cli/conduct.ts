import {systemClock} from '../clock.ts'
import type {Conduct} from '../face/conduct.ts'
import {interruptible} from '../face/interruption.ts'
import {eventLines, logLines, type Progress, silent} from '../face/progress.ts'

interface Talk {
  readonly events?: boolean
  readonly quiet: boolean
  /** Say nothing but notices, as with --quiet: the result says it all. */
  readonly silent?: boolean
}

/** Does something with signals heard, and progress shown as the flags say. */
export async function conduct<T>(talk: Talk, work: (conduct: Conduct) => Promise<T>): Promise<T> {
  using interruption = interruptible()
  const progress = await chooseProgress(talk)
  try {
    return await work({signal: interruption.signal, report: progress.report})
  } finally {
    progress.close()
  }
}

/** How to show progress: as the flags say, else bars on a terminal and lines in a log. */
async function chooseProgress({events, quiet, silent: nothing}: Talk): Promise<Progress> {
  if (events) return eventLines(process.stdout, systemClock.now)
  if (quiet || nothing) return silent(process.stderr)
  if (process.stderr.isTTY && !process.env['CI']) {
    const {terminalBars} = await import('./terminal-bars.ts')
    return terminalBars(process.stderr, systemClock.monotonic)
  }
  return logLines(process.stderr)
}
