import {Args, Flags} from '@oclif/core'
import {AgCommand} from '../../src/cli/base-command.ts'
import {stateFlags} from '../../src/cli/flags.ts'
import {historyLine} from '../../src/cli/history-text.ts'
import {readerGone} from '../../src/cli/outlive-readers.ts'
import {orphanHint, withHistory} from '../../src/cli/run-history.ts'
import {preferQuickExit} from '../../src/cli/short-lived.ts'
import {interruptible} from '../../src/face/interruption.ts'
import {showHistory} from '../../src/history/show.ts'

export default class HistoryShow extends AgCommand {
  static override summary = 'Show the history of one session.'
  static override examples = [
    {description: 'What happened', command: '<%= config.bin %> history show SESSION'},
    {description: 'And what happens next', command: '<%= config.bin %> history show SESSION --follow'},
  ]
  static override args = {session: Args.string({required: true, description: 'A session, as ag history names it.'})}
  static override flags = {
    ...stateFlags,
    follow: Flags.boolean({char: 'f', description: 'Go on until the session is settled.'}),
    raw: Flags.boolean({description: 'Print the lines as they are kept, JSON Lines.', exclusive: ['json']}),
  }

  async run(): Promise<{readonly schemaVersion: 1; readonly lines: readonly unknown[]}> {
    preferQuickExit()
    const {args, flags} = await this.parse(HistoryShow)
    const lines: unknown[] = []
    using interruption = interruptible()
    await withHistory(flags, {readOnly: true, signal: interruption.signal}, async (context) => {
      for await (const line of showHistory(context, args.session, {follow: flags.follow, leave: readerGone})) {
        this.log(flags.raw ? line.text : historyLine(line))
        if (this.jsonEnabled()) lines.push(JSON.parse(line.text))
      }
    })
    const hint = await withHistory(flags, {readOnly: true}, ({sessions}) => orphanHint(sessions, args.session))
    if (hint !== undefined) this.tellError({message: hint}, 'Note')
    return {schemaVersion: 1, lines}
  }
}
