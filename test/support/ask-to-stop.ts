import {systemClock} from '../../src/clock.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'

/** Asks the processes at a run to stop, as another process of this workspace would. */
export async function askToStop(folder: string, run: string): Promise<void> {
  const place = resolveWorkspace({stateDir: folder, stateFile: undefined})
  const sessions = openWorkspace({...place, clock: systemClock, command: 'test'})
  const attendants = (await sessions.runs.attendants()).filter((process) => process.run === run)
  if (attendants.length === 0) throw new Error(`Nobody is at the run ${run}.`)
  for (const {id} of attendants) await sessions.runs.requestCancel({attendant: id})
  await sessions.close()
}
