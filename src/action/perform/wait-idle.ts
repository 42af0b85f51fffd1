import {ExitCode} from '../../errors.ts'
import type {Conduct} from '../../face/conduct.ts'
import {runWait, waitSummary} from '../../face/run-wait.ts'
import type {CommandOf} from '../inputs.ts'
import {type Performance, statusOf} from '../performance.ts'

/** Waits until a server is idle. */
export async function performWait({settings}: CommandOf<'wait-idle'>, conduct: Conduct): Promise<Performance> {
  const result = await runWait(settings, conduct)
  const {exit_code: exitCode, open, verdict, waited_seconds: waited, servers, error} = result
  const timedOut = !open && exitCode === ExitCode.done
  const word = exitCode === ExitCode.done && verdict !== 'unknown' ? verdict : statusOf(exitCode)
  const names = servers.map(({server}) => server).join(', ')
  return {
    status: word,
    exitCode,
    words: waitSummary(result) || (error?.message ?? ''),
    headline: open
      ? `${names}: ${verdict}, after ${waited.toFixed(0)} s.`
      : `${names}: not ${settings.reverse ? 'busy' : 'idle'} after ${waited.toFixed(0)} s.`,
    ...(error ? {error} : {}),
    report: result,
    findings: servers.map(({server, state, reason}) => ({name: server, state, detail: reason})),
    outputs: {
      idle: String(open && !settings.reverse),
      'timed-out': String(timedOut || exitCode === ExitCode.deadline),
      'waited-seconds': String(waited),
    },
  }
}
