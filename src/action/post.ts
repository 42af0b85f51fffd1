import {ExitCode} from '../errors.ts'
import {endProcess} from './end-process.ts'
import {toldByMain} from './handover.ts'

await endProcess(async () => {
  const told = toldByMain()
  // Nearly always: nothing was begun, or all of it was kept. Then nothing else is loaded.
  if (!told.started || (told.stateKept && told.historyKept)) return ExitCode.done
  const {runPost} = await import('./run-post.ts')
  return runPost(process.env, told)
})
