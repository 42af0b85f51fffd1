import {Flags} from '@oclif/core'
import {AgCommand} from '../../src/cli/base-command.ts'
import {stateFlags} from '../../src/cli/flags.ts'
import {queryFlags, queryOf} from '../../src/cli/history-flags.ts'
import {historyTable} from '../../src/cli/history-text.ts'
import {withHistory} from '../../src/cli/run-history.ts'
import {preferQuickExit} from '../../src/cli/short-lived.ts'
import {type HistoryList, listHistory} from '../../src/history/list.ts'

export default class History extends AgCommand {
  static override summary = 'List the sessions of this workspace.'
  static override description =
    'The newest first, from the histories in .ag/sessions. Asks no server and changes nothing.'
  static override examples = [
    {description: 'The latest', command: '<%= config.bin %> history'},
    {description: 'What went wrong today', command: '<%= config.bin %> history --state failed --since 24h'},
  ]
  static override flags = {
    ...queryFlags,
    ...stateFlags,
    limit: Flags.integer({default: 20, min: 1, description: 'How many, the newest.'}),
  }

  async run(): Promise<HistoryList> {
    preferQuickExit()
    const {flags} = await this.parse(History)
    const list = await withHistory(flags, {readOnly: true}, (context) =>
      listHistory(context, {...queryOf(flags), limit: flags.limit}),
    )
    if (!this.jsonEnabled()) this.log(historyTable(list))
    return list
  }
}
