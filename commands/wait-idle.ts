import {Flags} from '@oclif/core'
import {AgCommand} from '../src/cli/base-command.ts'
import {conduct} from '../src/cli/conduct.ts'
import {serversFlags, stateFlags} from '../src/cli/flags.ts'
import {gateFlags} from '../src/cli/gate-flags.ts'
import {findProgram, runProgram} from '../src/cli/run-command.ts'
import {preferQuickExit} from '../src/cli/short-lived.ts'
import {UsageError} from '../src/errors.ts'
import {runWait, waitSummary} from '../src/face/run-wait.ts'
import type {WaitResult} from '../src/wait-idle.ts'

export default class WaitIdle extends AgCommand {
  static override summary = 'Wait until a server is truly idle, then run a command.'
  static override description =
    `Idle means: in every look of the whole window, at least three of them, nothing of any user waits, runs or loads on
the server, nothing is in the ComfyUI queues behind it, and it could make a picture. One look that is busy, unknown or
without an answer begins the window anew.

Exit code 0 when idle, or the exit code of COMMAND; 124 when still busy at the deadline, 3 when the server cannot be
reached, 4 when this user may not see what others do, 5 when it is quiet but no backend could make a picture.`
  static override strict = false
  static override usage = '<%= command.id %> [FLAGS] [-- COMMAND ...]'
  static override examples = [
    {description: 'A step of a pipeline', command: '<%= config.bin %> wait-idle --server http://gpu-box:7801'},
    {description: 'Run something in its turn', command: '<%= config.bin %> wait-idle -- ./train.sh --epochs 3'},
    {
      description: 'Whichever of two servers is free first',
      command: '<%= config.bin %> wait-idle -s http://a:7801 -s http://b:7801 --require any',
    },
  ]
  static override flags = {
    ...serversFlags,
    ...stateFlags,
    ...gateFlags,
    events: Flags.boolean({
      exclusive: ['json'],
      description: 'Print each look as a line of JSON on stdout.',
      helpGroup: 'GLOBAL',
    }),
  }

  async run(): Promise<WaitResult> {
    preferQuickExit()
    const at = this.argv.indexOf('--')
    const words = at < 0 ? [] : this.argv.slice(at + 1)
    const {flags, argv} = await this.parse(WaitIdle, at < 0 ? this.argv : this.argv.slice(0, at))
    if (argv.length > 0) {
      throw new UsageError(`"${argv[0]}" is no flag.`, {
        next: `Put -- before a command: ag wait-idle -- ${[...argv, ...words].join(' ')}`,
      })
    }
    const [program, ...rest] = words
    if (program !== undefined && this.jsonEnabled()) {
      throw new UsageError('--json and a COMMAND would both write to stdout.', {next: 'Use one of them.'})
    }
    const path = program === undefined ? undefined : await findProgram(words)
    const result = await conduct({...flags, silent: this.jsonEnabled()}, (conduct) => runWait(flags, conduct))
    process.exitCode = result.exit_code
    this.tellError(result.error, result.exit_code === 0 ? 'Note' : 'Error')
    if (path === undefined) {
      if (result.open && !flags.quiet && !flags.events) this.log(waitSummary(result))
    } else if (result.exit_code === 0) {
      process.exitCode = await runProgram(path, rest)
    }
    return result
  }
}
