import {Flags} from '@oclif/core'
import {AgCommand} from '../../src/cli/base-command.ts'
import {stateFlags} from '../../src/cli/flags.ts'
import {pruneSummary} from '../../src/cli/history-text.ts'
import {withHistory} from '../../src/cli/run-history.ts'
import {preferQuickExit} from '../../src/cli/short-lived.ts'
import {parseAge} from '../../src/face/duration.ts'
import {PRUNE_DEFAULTS, type PruneResult, pruneHistory} from '../../src/history/prune.ts'

export default class HistoryPrune extends AgCommand {
  static override summary = 'Remove old histories.'
  static override description =
    'Removes histories of settled sessions that are old or too many. Sessions that are not settled stay, and so do all\npictures and the newest completed session of each asset: ag generate need not make its picture again.'
  static override examples = [
    {description: 'What would go?', command: '<%= config.bin %> history prune --dry-run'},
    {description: 'Keep a week', command: '<%= config.bin %> history prune --older-than 7d'},
  ]
  static override flags = {
    ...stateFlags,
    'older-than': Flags.string({
      default: `${PRUNE_DEFAULTS.days}d`,
      helpValue: 'DURATION',
      description: 'Remove sessions that ended longer ago.',
    }),
    keep: Flags.integer({default: PRUNE_DEFAULTS.keep, min: 0, description: 'Of the others keep so many, the newest.'}),
    'dry-run': Flags.boolean({description: 'Only tell how many.'}),
  }

  async run(): Promise<PruneResult> {
    preferQuickExit()
    const {flags} = await this.parse(HistoryPrune)
    const {keep, 'dry-run': dryRun} = flags
    const options = {olderThanMs: parseAge(flags['older-than']), keep, dryRun}
    const result = await withHistory(flags, {readOnly: dryRun}, (context) => pruneHistory(context, options))
    this.log(pruneSummary(result))
    return result
  }
}
