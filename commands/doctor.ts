import {AgCommand} from '../src/cli/base-command.ts'
import {conduct} from '../src/cli/conduct.ts'
import {serverFlags, stateFlags} from '../src/cli/flags.ts'
import {preferQuickExit} from '../src/cli/short-lived.ts'
import type {DoctorResult} from '../src/doctor.ts'
import {doctorReport, runDoctor} from '../src/face/run-doctor.ts'

export default class Doctor extends AgCommand {
  static override summary = 'Check whether a pipeline would work here.'
  static override description =
    `Reaches the server and tells its version, who you are to it, which commands work fully, partly or not for you and which
permission to ask for, the backends, the clocks, whether the state directory can be written and locked, and proxies.

Exit code 0 when a pipeline would work, else the one it would fail with: 3 unreachable, 4 denied, 5 no usable backend,
1 the disk.`
  static override examples = [
    {description: 'Before the first workflow', command: '<%= config.bin %> doctor --server http://gpu-box:7801'},
  ]
  static override flags = {...serverFlags, ...stateFlags}

  async run(): Promise<DoctorResult> {
    preferQuickExit()
    const {flags} = await this.parse(Doctor)
    const result = await conduct({...flags, silent: true}, (conduct) => runDoctor(flags, conduct))
    process.exitCode = result.exit_code
    this.log(doctorReport(result))
    return result
  }
}
