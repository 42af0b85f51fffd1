import {readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {assetKey} from '../../src/asset/key.ts'
import {readManifest} from '../../src/asset/manifest.ts'
import {systemClock} from '../../src/clock.ts'
import type {Submission} from '../../src/session/session.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'
import type {Rehearsal} from './context.ts'

interface OrphanOptions {
  /** The asset, by its id in the rehearsal's manifest. */
  readonly asset: string
  readonly run?: string
  /** How far the request got. */
  readonly phase: 'none' | 'intent' | 'ack'
  /** Whether the server finishes the picture. */
  readonly finished?: boolean
  readonly total?: number
}

/**
 * A session that a process left when it died: its history as far as it got, under an owner whose lock is free, and the server
 * having done what it did. Returns the session's id.
 */
export async function orphan(at: Rehearsal, manifest: string, options: OrphanOptions): Promise<string> {
  const {asset: id, run = 'dead1', phase, finished = false, total = 1} = options
  const file = await at.write('ag.yaml', manifest)
  const {assets} = await readManifest(file)
  const declared = assets.find((asset) => asset.id === id)
  if (!declared) throw new Error(`The manifest has no ${id}.`)
  const parameters = await at.server.check(declared.parameters, {
    signal: at.context.signal,
    allowFuzzyModel: false,
  })
  const asset = {...declared, parameters}
  const place = resolveWorkspace({stateDir: at.folder, stateFile: undefined})
  const dead = openWorkspace({...place, clock: systemClock, command: 'dead'})
  const session = `gen-${run}-${id}`
  const writer = await dead.create(session, {
    run,
    asset: id,
    prompt: asset.prompt,
    parameters,
    output: `assets/${id}.png`,
    server: at.server.address,
    key: assetKey(asset, at.server),
    total,
    ...(asset.randomSeed ? {randomSeed: true} : {}),
  })
  const submission = (at: 'intent' | 'ack'): Submission => ({
    kind: 'swarmui',
    phase: at,
    ...(at === 'ack' ? {handle: `ag/${run}/${id}`} : {}),
  })
  if (phase !== 'none') await writer.append({event: 'intent', state: 'starting', submission: submission('intent')})
  const tag = {run, item: id, key: assetKey(asset, at.server)}
  if (finished) await at.server.generate({parameters, tag}, {signal: at.context.signal})
  if (phase === 'ack') await writer.append({event: 'submitted', state: 'generating', submission: submission('ack')})
  // Gives the lock back and keeps its identity, as the kernel does for a process that was killed.
  await dead.close()
  killOnPaper(at.folder)
  return session
}

/** The identity of the owner "dead" that has just left says that it is this process, which lives: it becomes one that is gone. */
export function killOnPaper(folder: string): void {
  const owners = join(folder, '.ag', 'local', 'owners')
  for (const name of readdirSync(owners).filter((name) => name.endsWith('.json'))) {
    const path = join(owners, name)
    const identity = JSON.parse(readFileSync(path, 'utf8'))
    if (identity.cmd === 'dead') writeFileSync(path, JSON.stringify({...identity, start: '1'}))
  }
}

/** Keeps what asks the server after an orphan's work, as the process that sent it had kept it. */
export async function keepCredentialOf(at: Rehearsal, id: string, secret: string): Promise<void> {
  const {run = '', submission} = (await at.sessions.get(id)) ?? {}
  const credential = {server: at.server.address, secret}
  await at.write(join('.ag', 'local', 'private', `${run}.${submission?.by}.json`), JSON.stringify(credential))
}
