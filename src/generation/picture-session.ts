import {dirname} from 'node:path'
import type {Asset} from '../asset/asset.ts'
import {assetKey} from '../asset/key.ts'
import type {Context} from '../context.ts'
import {SessionExistsError} from '../errors.ts'
import {fromWorkspace} from '../fetch-picture.ts'
import type {SessionEvent, SessionRequest} from '../session/session.ts'
import type {SessionWriter} from '../store/session-store.ts'
import type {Making} from './making.ts'

/** Opens the session of a picture; another process that goes on with the same run may have taken its id a moment ago. */
export async function beginSession(context: Context, making: Making, asset: Asset): Promise<SessionWriter> {
  const path = asset.pathFor(asset.expectedFormat)
  const request = requestFor(context, making, asset)
  const options = making.snapshots ? {snapshotDirectory: dirname(path)} : {}
  return withFreeId(making, asset, (id) => context.sessions.create(id, request, options))
}

/** Records a session that is over already; returns its id. */
export function recordSession(context: Context, making: Making, asset: Asset, event: SessionEvent): Promise<string> {
  const request = requestFor(context, making, asset)
  return withFreeId(making, asset, async (id) => {
    await context.sessions.record(id, request, event)
    return id
  })
}

/** A session's id; one that failed before in the same run has taken the plain one, and so may another asset have. */
async function withFreeId<T>(
  {attendance, sessionIds}: Making,
  {id}: Asset,
  make: (id: string) => Promise<T>,
): Promise<T> {
  const plain = `gen-${attendance.run}-${id}`
  for (let number = 1; ; number++) {
    const name = number === 1 ? plain : `${plain}_${number}`
    if (sessionIds.has(name)) continue
    try {
      return await make(name)
    } catch (error) {
      if (!(error instanceof SessionExistsError)) throw error
    }
  }
}

/** What is asked for, as the session's history keeps it. */
export function requestFor({server}: Context, making: Making, asset: Asset): SessionRequest {
  return {
    run: making.attendance.run,
    asset: asset.id,
    prompt: asset.prompt,
    parameters: asset.parameters,
    output: fromWorkspace(making.workspace, asset.pathFor(asset.expectedFormat)),
    server: server.address,
    user: making.user,
    key: assetKey(asset, server),
    total: making.total,
    ...(asset.randomSeed ? {randomSeed: true} : {}),
  }
}
