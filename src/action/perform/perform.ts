import type {Conduct} from '../../face/conduct.ts'
import type {Performance} from '../performance.ts'
import type {Step} from '../step.ts'

/** Does what a step is for, with the operations of the command line. Only the code of its command is loaded. */
export async function perform(step: Step, conduct: Conduct): Promise<Performance> {
  const {task} = step.inputs
  switch (task.command) {
    case 'generate':
      return (await import('./generate.ts')).performGenerate(task, conduct, step)
    case 'wait-idle':
      return (await import('./wait-idle.ts')).performWait(task, conduct)
    case 'status':
      return (await import('./status.ts')).performStatus(task, conduct)
    case 'recover':
      return (await import('./recover.ts')).performRecover(task, conduct)
    case 'cancel':
      return (await import('./cancel.ts')).performCancel(task, conduct)
    case 'doctor':
      return (await import('./doctor.ts')).performDoctor(task, conduct)
  }
}
