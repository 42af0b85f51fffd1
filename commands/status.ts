import {Flags} from '@oclif/core'
import {AgCommand} from '../src/cli/base-command.ts'
import {conduct} from '../src/cli/conduct.ts'
import {serverFlags, stateFlags} from '../src/cli/flags.ts'
import {readerGone} from '../src/cli/outlive-readers.ts'
import {preferQuickExit} from '../src/cli/short-lived.ts'
import {renderStatus} from '../src/cli/status-format.ts'
import {parseInterval} from '../src/face/gate.ts'
import {runStatus} from '../src/face/run-status.ts'
import type {StatusResult} from '../src/status.ts'

export default class Status extends AgCommand {
  static override summary = 'Show what the server and this workspace are doing.'
  static override description =
    `Activity comes from the server's own counters and from this workspace's session histories. Where the
server does not let you see the work of others, the answer is "unknown", never "idle".

Exit code 3 when the server cannot be reached, 4 when it wants other credentials; the output is complete all the same.`
  static override examples = [
    {description: 'The server on this machine', command: '<%= config.bin %> status'},
    {description: 'For scripts', command: "<%= config.bin %> status --format json | jq '.generations_running'"},
  ]
  static override flags = {
    ...serverFlags,
    ...stateFlags,
    format: Flags.option({
      char: 'f',
      options: ['table', 'json', 'yaml'] as const,
      env: 'ASSET_GENERATOR_FORMAT',
      default: 'table' as const,
      description: 'How to print it; json and yaml have the same keys.',
    })(),
    watch: Flags.boolean({char: 'w', exclusive: ['json'], description: 'Show it again and again until Ctrl-C.'}),
    interval: Flags.string({default: '2s', description: 'How often with --watch.', helpValue: 'DURATION'}),
  }

  async run(): Promise<StatusResult> {
    preferQuickExit()
    const {flags} = await this.parse(Status)
    const intervalMs = parseInterval(flags.interval)
    const again = flags.watch ? {againMs: intervalMs} : {}
    const show = async (answer: StatusResult): Promise<void> => {
      if (!this.jsonEnabled()) process.stdout.write(await renderStatus(answer, flags.format, flags.watch))
    }
    const result = await conduct({...flags, silent: true}, (conduct) =>
      runStatus(flags, {...conduct, ...again, show, reuseSession: true, leave: readerGone}),
    )
    process.exitCode = result.exit_code
    return result
  }
}
