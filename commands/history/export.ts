import {Flags} from '@oclif/core'
import {AgCommand} from '../../src/cli/base-command.ts'
import {stateFlags} from '../../src/cli/flags.ts'
import {queryFlags, queryOf} from '../../src/cli/history-flags.ts'
import {withHistory, writeExport} from '../../src/cli/run-history.ts'
import {preferQuickExit} from '../../src/cli/short-lived.ts'
import {interruptible} from '../../src/face/interruption.ts'

export default class HistoryExport extends AgCommand {
  static override enableJsonFlag = false
  static override summary = 'Print histories as JSON Lines.'
  static override description =
    'One line an event, each of them whole by itself; ag history merge reads them. Prompts are in it unless --redact-prompts is given, credentials never.'
  static override examples = [
    {description: 'Everything, to a file', command: '<%= config.bin %> history export --output history.jsonl'},
    {
      description: 'What failed, and why',
      command: "<%= config.bin %> history export --state failed | jq -r '.ag.result.error // empty'",
    },
  ]
  static override flags = {
    ...queryFlags,
    ...stateFlags,
    'redact-prompts': Flags.boolean({description: 'Leave the prompts out: for files that others will read.'}),
    output: Flags.string({char: 'o', helpValue: 'FILE', description: 'Write to a file instead of stdout.'}),
  }

  async run(): Promise<void> {
    preferQuickExit()
    const {flags} = await this.parse(HistoryExport)
    const {output} = flags
    const how = {path: output, redactPrompts: flags['redact-prompts']}
    using interruption = interruptible()
    const workspace = {readOnly: true, signal: interruption.signal}
    const lines = await withHistory(flags, workspace, (context) => writeExport(context, queryOf(flags), how))
    if (output !== undefined && !flags.quiet) this.log(`Wrote ${lines} lines to ${output}.`)
  }
}
