import type {Duplex} from 'node:stream'
import * as z from 'zod'
import {controlSchema, type MockControl} from './options.ts'
import type {World} from './world.ts'

/** Changes a running mock. Returns what is wrong with the change, if anything; then nothing is changed. `caller` stays connected. */
export function changeSettings(
  world: World,
  change: MockControl | Readonly<Record<string, unknown>>,
  caller?: Duplex,
): string | undefined {
  const parsed = controlSchema.safeParse(change)
  if (!parsed.success) return z.prettifyError(parsed.error)
  const {restart, backends, faults, users, ...settings} = parsed.data
  Object.assign(world.settings, Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)))
  if (backends) world.backends.set(backends)
  if (faults) world.faults.set(faults)
  for (const user of users ?? []) world.users.add(user)
  if (restart || settings.down) world.restart(caller)
  return undefined
}

/** GET /Mock/State: what the mock is set to and what it does. */
export function showSettings(world: World): object {
  return {
    settings: world.settings,
    activity: world.users.sum(),
    generations: world.generations,
    sessions: world.users.sessionsOf().length,
    server_id: world.users.serverId,
  }
}
