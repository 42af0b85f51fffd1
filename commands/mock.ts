import {Flags} from '@oclif/core'
import {AgCommand} from '../src/cli/base-command.ts'
import {serveMock} from '../src/cli/serve-mock.ts'
import {interruptible} from '../src/face/interruption.ts'

export default class Mock extends AgCommand {
  static override summary = 'Run the mock server until Ctrl-C.'
  static override description =
    `A server that speaks SwarmUI's routes and sockets as recordings of real servers show them, and draws placeholder
pictures. What it does wrong can be set, also while it runs, with POST /Mock/Control: see docs/mock.md.`
  static override examples = [
    {description: 'Where SwarmUI would be', command: '<%= config.bin %> mock'},
    {
      description: 'A slow server; docs/mock.md has faults to rehearse',
      command: `<%= config.bin %> mock --set '{"step_ms": 200}'`,
    },
  ]
  static override flags = {
    port: Flags.integer({
      char: 'p',
      default: 7801,
      min: 0,
      max: 65535,
      description: 'Port to listen on; 0 takes any free one.',
    }),
    host: Flags.string({default: '127.0.0.1', description: 'Address to listen on.'}),
    set: Flags.string({helpValue: 'JSON', description: 'Options of the mock, as in docs/mock.md.'}),
  }

  async run(): Promise<{readonly url: string}> {
    const {flags} = await this.parse(Mock)
    using interruption = interruptible()
    return await serveMock(flags, interruption.signal, (url) =>
      this.log(`The mock server listens on ${url} (Ctrl-C ends it).`),
    )
  }
}
