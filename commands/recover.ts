import {Args} from '@oclif/core'
import {AgCommand} from '../src/cli/base-command.ts'
import {conduct} from '../src/cli/conduct.ts'
import {serverFlags, stateFlags} from '../src/cli/flags.ts'
import {recoverFlags} from '../src/cli/recover-flags.ts'
import {preferQuickExit} from '../src/cli/short-lived.ts'
import {type RecoveryReport, recoverSummary, runRecover} from '../src/face/run-recover.ts'

export default class Recover extends AgCommand {
  static override summary = 'Bring sessions whose process died to a true end.'
  static override description =
    `Takes finished pictures from the disk and from the server, waits for what the server still works on (--wait), and settles
the rest as failed, cancelled or lost, each with its reason. Sessions of live processes are never touched, files never replaced.
Folders that other generators left (--output-dir) get a history, too. Tells what it would do; --apply does it.

With --apply, exit code 0 when nothing is left to bring to an end, 6 when something still runs or cannot be told yet, or --resubmit
did not make everything, 124 when the server still works on something after --wait. Exit code 3 or 4 when it could not be asked.

ROW in the table is the row of the truth table by which it was judged: docs/recovery.md of the project.`
  static override examples = [
    {description: 'What would it do, and why?', command: '<%= config.bin %> recover'},
    {description: 'After a lost runner', command: '<%= config.bin %> recover --apply --wait'},
    {
      description: 'Sessions of a generator that leaves a render and its scene',
      command: "<%= config.bin %> recover --complete-when 'render.png' --complete-when 'scene.blend'",
    },
  ]
  static override args = {
    manifest: Args.string({description: 'Says where pictures go. Default: the manifest in the workspace, if any.'}),
  }
  static override flags = {...recoverFlags, ...serverFlags, ...stateFlags}

  async run(): Promise<RecoveryReport> {
    const {args, flags} = await this.parse(Recover)
    if (!flags.apply) preferQuickExit()
    // What is done is in the table; only a wait is told of while it lasts.
    const silent = this.jsonEnabled() || !flags.wait
    const result = await conduct({...flags, silent}, (conduct) => runRecover(args.manifest, flags, conduct))
    process.exitCode = result.exit_code
    if (!flags.events && !this.jsonEnabled()) this.log(recoverSummary(result))
    this.tellError(result.error)
    return result
  }
}
