import {ExitCode} from '../errors.ts'
import {annotate} from './log.ts'

/**
 * Runs a step to its end and exits with its code. Without the exit, a library that still tries again would hold the step; and a promise
 * that never settles would let the process end well, as Node has it.
 */
export async function endProcess(work: () => Promise<ExitCode>): Promise<never> {
  process.exitCode = ExitCode.unforeseen
  let code: ExitCode = ExitCode.unforeseen
  try {
    code = await work()
  } catch (error) {
    annotate(
      'error',
      error instanceof Error ? (error.stack ?? error.message) : String(error),
      'ag: this should not happen',
    )
  }
  // What was written to the log is on its way when this comes back.
  await new Promise((resolve) => process.stdout.write('', resolve))
  process.exit(code)
}
