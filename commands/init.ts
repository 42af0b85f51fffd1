import {Args} from '@oclif/core'
import {AgCommand} from '../src/cli/base-command.ts'
import {init} from '../src/init.ts'

export default class Init extends AgCommand {
  static override summary = 'Write a commented starter manifest.'
  static override examples = [
    {description: 'In this folder', command: '<%= config.bin %> init'},
    {description: 'Elsewhere', command: '<%= config.bin %> init art/ag.yaml'},
  ]
  static override args = {manifest: Args.string({default: 'ag.yaml', description: 'The file to write.'})}

  async run(): Promise<{readonly path: string}> {
    const {args} = await this.parse(Init)
    const result = await init(args.manifest)
    this.log(`Wrote ${result.path}. Try it without a server: ag generate ${result.path} --server mock`)
    return result
  }
}
