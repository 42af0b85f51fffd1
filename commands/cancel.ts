import {Args, Flags} from '@oclif/core'
import type {CancelResult} from '../src/cancel.ts'
import {AgCommand} from '../src/cli/base-command.ts'
import {conduct} from '../src/cli/conduct.ts'
import {serverFlags, stateFlags} from '../src/cli/flags.ts'
import {preferQuickExit} from '../src/cli/short-lived.ts'
import {CANCEL_DEFAULTS} from '../src/face/cancel-settings.ts'
import {cancelSummary, runCancel} from '../src/face/run-cancel.ts'

export default class Cancel extends AgCommand {
  static override summary = 'Stop generations, here and on the server.'
  static override description =
    `Interrupts exactly the work that this workspace sent, from whatever process or terminal, waits until the server has
stopped it, and settles its sessions as cancelled. Pictures that were finished stay. Without arguments it cancels the one
run that is active, also one that still waits for its turn.

Exit code 0 when all has stopped, 124 when something still runs (a backend that cannot be interrupted finishes the picture
it has begun), 4 when it was made on another machine, which alone can stop it, or when the server does not tell whether it
has stopped, 2 when it runs on another server.`
  static override examples = [
    {description: 'The run that is active', command: '<%= config.bin %> cancel'},
    {
      description: 'One picture; the others of its run are made all the same',
      command: '<%= config.bin %> cancel SESSION',
    },
    {description: 'Everything of this workspace', command: '<%= config.bin %> cancel --all'},
  ]
  static override strict = false
  static override args = {
    session: Args.string({description: 'Sessions to cancel, as ag status names them.'}),
  }
  static override flags = {
    ...serverFlags,
    ...stateFlags,
    run: Flags.string({description: 'Cancel a whole run.', exclusive: ['all']}),
    all: Flags.boolean({description: 'Cancel everything of this workspace.'}),
    user: Flags.boolean({
      description:
        "Stop everything of this user on the server, also what others sent under the same name. On a server without accounts that is everybody's work.",
    }),
    timeout: Flags.string({
      default: CANCEL_DEFAULTS.timeout,
      helpValue: 'DURATION',
      description: 'Wait this long for the server to stop.',
    }),
  }

  async run(): Promise<CancelResult> {
    preferQuickExit()
    const {argv, flags} = await this.parse(Cancel)
    const result = await conduct({...flags, silent: true}, (conduct) => runCancel(argv as string[], flags, conduct))
    process.exitCode = result.exit_code
    if (!flags.quiet) this.log(cancelSummary(result))
    this.tellError(result.error)
    return result
  }
}
