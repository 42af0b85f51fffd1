import {resolve} from 'node:path'
import type {Asset} from '../asset/asset.ts'
import {assetKey} from '../asset/key.ts'
import type {Context} from '../context.ts'
import {sha256} from '../fetch-picture.ts'
import {readSmall} from '../read-small.ts'
import {isSettled} from '../session/history-line.ts'
import {isOrphan} from '../session/owner.ts'
import type {OwnedSession} from '../store/session-store.ts'
import type {Kept} from './outcome.ts'
import {mayHavePicture, placeFor} from './resume.ts'

/**
 * What another process has done of a picture: it makes it at this moment, has put it there, or has left the server with it, because it
 * died or gave up.
 */
export type DoneMeanwhile =
  | {readonly live: OwnedSession}
  | {readonly kept: Kept}
  | {readonly left: readonly OwnedSession[]}

/**
 * What other processes have done in a workspace since a run was planned: two that were started on the same pictures must not both pay
 * for them. Looks at the disk only, and at each session once.
 */
export class Meanwhile {
  readonly #context: Context
  readonly #workspace: string
  readonly #run: string
  readonly #seen: Set<string>
  readonly #ended: OwnedSession[] = []
  readonly #lookedInto = new Set<string>()

  /** `settled` are the sessions that had come to their end when the run was planned. */
  constructor(
    context: Context,
    {
      workspace,
      run,
      settled,
    }: {readonly workspace: string; readonly run: string; readonly settled: ReadonlySet<string>},
  ) {
    this.#context = context
    this.#workspace = workspace
    this.#run = run
    this.#seen = new Set(settled)
  }

  /** What there is of an asset's picture by now; `undefined` when it is to be made. */
  async lookFor(asset: Asset): Promise<DoneMeanwhile | undefined> {
    const {server, sessions} = this.#context
    const key = assetKey(asset, server)
    // Each run is to have a picture of its own of a random seed.
    const isSame = (session: OwnedSession): boolean =>
      session.key === key && (!asset.randomSeed || session.run === this.#run)
    // In this order: what was under way at the first look has come to its end at the second.
    const underWay = (await sessions.underWay()).filter(isSame)
    const live = underWay.find((session) => !isOrphan(session))
    if (live) return {live}
    await this.#readNew()
    const ended = this.#ended.filter(isSame)
    for (const session of ended.filter(({state}) => state === 'completed')) {
      const picture = session.result?.picture
      const path = picture && resolve(this.#workspace, picture.path)
      // Another manifest may have had it made in another place, where it is of no use to this one.
      if (!path || placeFor(asset, picture) !== path) continue
      const bytes = await readSmall(path)
      if (bytes && sha256(bytes) === picture.sha256) return {kept: {session, picture}}
    }
    const mayBeThere = ended.filter((session) => session.state !== 'completed' && mayHavePicture(session))
    const left = [...underWay, ...mayBeThere].filter(({id}) => !this.#lookedInto.has(id))
    return left.length > 0 ? {left} : undefined
  }

  /** These were asked after: they are not told again. */
  lookedInto(sessions: readonly OwnedSession[]): void {
    for (const {id} of sessions) this.#lookedInto.add(id)
  }

  async #readNew(): Promise<void> {
    const {sessions} = this.#context
    for (const id of await sessions.upkeep.ids()) {
      if (this.#seen.has(id)) continue
      const session = await sessions.get(id)
      if (!session || !isSettled(session)) continue
      this.#seen.add(id)
      if (session.key !== undefined) this.#ended.push(session)
    }
  }
}
