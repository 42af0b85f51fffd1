import type {Conduct} from '../../face/conduct.ts'
import type {Performance} from '../performance.ts'
import type {Step} from '../step.ts'

/** Does what a step is for, with the operations of the command line. Only the code of its command is loaded. */
export async function perform(step: Step, conduct: Conduct): Promise<Performance> {
  const {command} = step.inputs
  switch (command.name) {
    case 'generate':
      return (await import('./generate.ts')).performGenerate(command, conduct, step)
    case 'wait-idle':
      return (await import('./wait-idle.ts')).performWait(command, conduct)
    case 'status':
      return (await import('./status.ts')).performStatus(command, conduct)
    case 'recover':
      return (await import('./recover.ts')).performRecover(command, conduct, step)
    case 'cancel':
      return (await import('./cancel.ts')).performCancel(command, conduct)
    case 'doctor':
      return (await import('./doctor.ts')).performDoctor(command, conduct)
  }
}
