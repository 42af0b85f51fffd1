import {AgCommand} from '../../src/cli/base-command.ts'
import {conduct} from '../../src/cli/conduct.ts'
import {serverFlags, stateFlags} from '../../src/cli/flags.ts'
import {runFlags} from '../../src/cli/generate-flags.ts'
import {imageFlags} from '../../src/cli/image-flags.ts'
import {preferSmallHeap} from '../../src/cli/small-heap.ts'
import {assetsFromSettings} from '../../src/face/image-settings.ts'
import {runGenerate, summary} from '../../src/face/run-generate.ts'
import type {GenerateResult} from '../../src/generation/generate-result.ts'
import {newRunId} from '../../src/session/run-id.ts'

export default class GenerateImage extends AgCommand {
  static override summary = 'Make pictures from a prompt.'
  static override description =
    `Sends what you set and nothing else: the server's own defaults decide the rest. Without --output-dir the picture goes
to output/SESSION/ with a snapshot of its session beside it.`
  static override examples = [
    {
      description: 'One picture',
      command: '<%= config.bin %> generate image --prompt "a lighthouse at dusk" --model sdxl',
    },
    {
      description: 'Four variants with a LoRA',
      command:
        '<%= config.bin %> generate image -p "a fox" -m sdxl --lora watercolor:0.8 --count 4 -o foxes --name "fox-{index}.{ext}"',
    },
    {
      description: 'Any parameter of the server',
      command: '<%= config.bin %> generate image -p "a fox" --param clipstopatlayer=-2',
    },
  ]
  static override flags = {...imageFlags, ...serverFlags, ...stateFlags, ...runFlags}

  async run(): Promise<GenerateResult> {
    preferSmallHeap()
    const {flags} = await this.parse(GenerateImage)
    const run = newRunId()
    const picture = {run, resume: 'never' as const, ...assetsFromSettings(flags, run)}
    const result = await conduct({...flags, silent: this.jsonEnabled()}, (conduct) =>
      runGenerate(picture, flags, conduct),
    )
    process.exitCode = result.exit_code
    if (!flags.events) this.log(summary(result, {force: false}))
    this.tellError(result.error)
    return result
  }
}
