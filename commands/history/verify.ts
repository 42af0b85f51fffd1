import {AgCommand} from '../../src/cli/base-command.ts'
import {stateFlags} from '../../src/cli/flags.ts'
import {verifySummary} from '../../src/cli/history-text.ts'
import {withHistory} from '../../src/cli/run-history.ts'
import {preferQuickExit} from '../../src/cli/short-lived.ts'
import {type VerifyResult, verifyHistory} from '../../src/history/verify.ts'

export default class HistoryVerify extends AgCommand {
  static override summary = 'Check every line of every history, and every picture they recorded.'
  static override description =
    `Exit code 0 when nothing that was recorded is damaged, 1 when something is: a history lacks lines, a picture has other bytes.
What is merely not here, or was never acknowledged, is a note. Changes nothing.`
  static override examples = [
    {description: 'Is everything as it was written?', command: '<%= config.bin %> history verify'},
  ]
  static override flags = {...stateFlags}

  async run(): Promise<VerifyResult> {
    preferQuickExit()
    const {flags} = await this.parse(HistoryVerify)
    const result = await withHistory(flags, {readOnly: true}, (context) => verifyHistory(context, context.workspace))
    process.exitCode = result.exit_code
    this.log(verifySummary(result))
    return result
  }
}
