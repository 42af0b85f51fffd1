import {Args, Flags} from '@oclif/core'
import {findManifest} from '../../src/asset/find-manifest.ts'
import {readManifest} from '../../src/asset/manifest.ts'
import {AgCommand} from '../../src/cli/base-command.ts'
import {conduct} from '../../src/cli/conduct.ts'
import {serverFlags, stateFlags} from '../../src/cli/flags.ts'
import {runFlags} from '../../src/cli/generate-flags.ts'
import {preferSmallHeap} from '../../src/cli/small-heap.ts'
import {runGenerate, summary} from '../../src/face/run-generate.ts'
import {runName} from '../../src/face/run-settings.ts'
import type {GenerateResult} from '../../src/generation/generate-result.ts'

export default class Generate extends AgCommand {
  static override summary = 'Make the pictures that a manifest declares.'
  static override description =
    `Checks the manifest, the output paths and every model and parameter name against the server first, then makes the
pictures, some at a time. One failing asset does not stop the others. Pictures that are there already are kept; those that an
interrupted run got finished are found and taken, never paid for twice.

Exit code 0 when all are made, 6 when some are not, 2 when nothing was attempted because something is wrong.`
  static override examples = [
    {description: 'Try it without a server', command: '<%= config.bin %> generate --server mock'},
    {description: 'On your own server', command: '<%= config.bin %> generate ag.yaml --server http://gpu-box:7801'},
    {description: 'For a machine', command: '<%= config.bin %> generate --events'},
  ]
  static override args = {
    manifest: Args.string({
      description: 'The manifest, YAML or JSON. Default: ag.yaml, ag.yml or ag.json in this folder.',
    }),
  }
  static override flags = {
    ...serverFlags,
    ...stateFlags,
    ...runFlags,
    force: Flags.boolean({
      description: 'Make every picture, also those that are there already.',
      helpGroup: 'RUN',
    }),
    run: Flags.string({
      helpValue: 'NAME',
      description: 'Name the run. Default: the unfinished run of these pictures, else a new name.',
      helpGroup: 'RUN',
    }),
  }

  async run(): Promise<GenerateResult> {
    preferSmallHeap()
    const {args, flags} = await this.parse(Generate)
    const manifest = await readManifest(args.manifest ?? (await findManifest('.')))
    const name = runName(flags)
    const result = await conduct({...flags, silent: this.jsonEnabled()}, (conduct) =>
      runGenerate({...name, ...manifest}, flags, conduct),
    )
    process.exitCode = result.exit_code
    if (!flags.events) this.log(summary(result, flags))
    this.tellError(result.error)
    return result
  }
}
