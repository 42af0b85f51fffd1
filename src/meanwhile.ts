import {stat} from 'node:fs/promises'
import type {Asset} from './asset/asset.ts'
import {assetKey} from './asset/key.ts'
import type {Context} from './context.ts'
import {firstOnDisk, isOrphan, type Kept} from './resume.ts'
import type {OwnedSession} from './store/session-store.ts'

/** What another process has done of a picture: it makes it at this moment, or has put it there. */
export type DoneMeanwhile = {readonly live: OwnedSession} | {readonly kept: Kept}

/**
 * What other processes have done of a picture in this workspace since the run was planned, `plannedAt` by the wall clock: two that
 * were started on the same pictures must not both pay for them. Looks at the disk only.
 */
export async function doneMeanwhile(
  {server, sessions}: Context,
  asset: Asset,
  plannedAt: number,
): Promise<DoneMeanwhile | undefined> {
  const key = assetKey(asset, server)
  // In this order: what was under way at the first look is there at the second.
  const live = (await sessions.underWay()).find((session) => session.key === key && !isOrphan(session))
  if (live) return {live}
  const written = (await stat(asset.pathFor(asset.expectedFormat)).catch(() => undefined))?.mtimeMs ?? 0
  if (written < plannedAt) return undefined
  const made = (await sessions.list({active: false})).filter((session) => session.key === key)
  const kept = await firstOnDisk(asset, made)
  return kept && {kept}
}
