import {dirname} from 'node:path'
import type {Asset} from '../asset/asset.ts'
import {assetKey} from '../asset/key.ts'
import type {Context} from '../context.ts'
import {SessionExistsError} from '../errors.ts'
import {fromWorkspace} from '../fetch-picture.ts'
import type {SessionRequest} from '../session/session.ts'
import type {SessionWriter} from '../store/session-store.ts'
import type {Making} from './making.ts'

/** A session's id; one that failed before in the same run has taken the plain one. */
export function freeSessionId({run, sessionIds}: Making, {id}: Asset): string {
  const plain = `gen-${run}-${id}`
  for (let number = 2, name = plain; ; number++) {
    if (!sessionIds.has(name)) return name
    name = `${plain}_${number}`
  }
}

/** Opens the session of a picture; another process that goes on with the same run may have taken the id a moment ago. */
export async function beginSession(context: Context, making: Making, asset: Asset): Promise<SessionWriter> {
  const path = asset.pathFor(asset.expectedFormat)
  const request = requestFor(context, making, asset)
  const options = making.snapshots ? {snapshotDirectory: dirname(path)} : {}
  const taken = new Set(making.sessionIds)
  for (;;) {
    const id = freeSessionId({...making, sessionIds: taken}, asset)
    try {
      return await context.sessions.create(id, request, options)
    } catch (error) {
      if (!(error instanceof SessionExistsError)) throw error
      taken.add(id)
    }
  }
}

/** What is asked for, as the session's history keeps it. */
export function requestFor({server}: Context, making: Making, asset: Asset): SessionRequest {
  return {
    run: making.run,
    asset: asset.id,
    prompt: asset.prompt,
    parameters: asset.parameters,
    output: fromWorkspace(making.workspace, asset.pathFor(asset.expectedFormat)),
    server: server.address,
    user: making.user,
    key: assetKey(asset, server),
    total: making.total,
  }
}
