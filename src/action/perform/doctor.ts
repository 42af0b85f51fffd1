import {ExitCode} from '../../errors.ts'
import type {Conduct} from '../../face/conduct.ts'
import {doctorReport, runDoctor} from '../../face/run-doctor.ts'
import type {CommandOf} from '../inputs.ts'
import {type Performance, statusOf} from '../performance.ts'

/** Checks whether a pipeline would work here. */
export async function performDoctor({settings}: CommandOf<'doctor'>, conduct: Conduct): Promise<Performance> {
  const result = await runDoctor(settings, conduct)
  const {exit_code: exitCode, checks, commands, server} = result
  const problem = checks.find(({state}) => state === 'problem')
  return {
    status: statusOf(exitCode),
    exitCode,
    words: doctorReport(result),
    headline:
      exitCode === ExitCode.done
        ? `A pipeline would work with ${server}.`
        : `A pipeline would not work with ${server}.`,
    ...(problem ? {error: {message: problem.detail, next: problem.next}} : {}),
    report: result,
    findings: [
      ...checks.map(({name, state, detail}) => ({name, state: state as string, detail})),
      ...commands.map(({command, works, detail}) => ({
        name: `ag ${command}`,
        state: `works ${works}`,
        detail: detail ?? '',
      })),
    ],
    outputs: {},
  }
}
