import {Args} from '@oclif/core'
import {AgCommand} from '../../src/cli/base-command.ts'
import {stateFlags} from '../../src/cli/flags.ts'
import {mergeSummary} from '../../src/cli/history-text.ts'
import {mergeFrom, withHistory} from '../../src/cli/run-history.ts'
import {preferQuickExit} from '../../src/cli/short-lived.ts'
import {UsageError} from '../../src/errors.ts'
import type {MergeResult} from '../../src/history/merge.ts'

export default class HistoryMerge extends AgCommand {
  static override summary = 'Add histories of other runs or machines to this workspace.'
  static override description =
    `Takes files of JSON Lines as ag history export writes them, folders with such files (an unpacked artifact), or - for
stdin. Each session becomes the union of its copies by epoch and sequence; merging twice, or in another order, changes
nothing. A picture that one of the copies knows to be finished stays finished.`
  static override examples = [
    {description: 'Two artifacts', command: '<%= config.bin %> history merge artifact-1/ artifact-2/'},
    {description: 'From a pipe', command: 'ssh runner ag history export | <%= config.bin %> history merge -'},
  ]
  static override strict = false
  static override args = {file: Args.string({description: 'Files, folders, or -.', required: true})}
  static override flags = {...stateFlags}

  async run(): Promise<MergeResult> {
    preferQuickExit()
    const {argv, flags} = await this.parse(HistoryMerge)
    const unknown = (argv as string[]).find((word) => word.startsWith('--'))
    if (unknown) throw new UsageError(`"${unknown}" is no flag.`, {next: 'See ag history merge --help.'})
    const result = await withHistory(flags, {readOnly: false}, (context) => mergeFrom(context, argv as string[]))
    this.log(mergeSummary(result))
    return result
  }
}
