import {interruptible} from '../face/interruption.ts'
import {endProcess} from './end-process.ts'

// Before anything else is loaded: a job may be cancelled at once.
using interruption = interruptible()
await endProcess(async () => {
  const {runMain} = await import('./run-main.ts')
  return runMain(process.env, interruption.signal)
})
