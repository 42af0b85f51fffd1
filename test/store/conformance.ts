import {describe, expect, test} from '@jest/globals'
import {parseLine} from '../../src/session/history-line.ts'
import type {SessionRequest} from '../../src/session/session.ts'
import type {SessionStore} from '../../src/store/session-store.ts'
import {until} from '../support/until.ts'

export interface StoreUnderTest extends AsyncDisposable {
  readonly store: SessionStore
  /** The same workspace as another process on this machine would open it. */
  beside(): Promise<SessionStore>
  /** The same sessions as another process on another machine would open them. */
  elsewhere(): Promise<SessionStore>
}

export const request: SessionRequest = {
  run: 'run1',
  asset: 'hero',
  prompt: 'a hero',
  parameters: {steps: 8, seed: 42},
  output: 'assets/hero.png',
  server: 'http://localhost:7801',
}

const picture = {path: 'assets/hero.png', sha256: 'ab'.repeat(32), bytes: 10, width: 8, height: 8, format: 'png'}

/** What every session store must do, whatever it keeps its sessions in. */
export function describeStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a session store`, () => {
    test('has nothing at first', async () => {
      await using under = await make()
      expect(await under.store.list({active: false})).toEqual([])
      expect(await under.store.get('gen-a')).toBeUndefined()
      expect(await under.store.request('gen-a')).toBeUndefined()
    })

    test('tells each step of a session, and keeps them as its history', async () => {
      await using under = await make()
      const {store} = under
      const writer = await store.create('gen-a', request)
      expect(await store.get('gen-a')).toMatchObject({
        state: 'pending',
        asset: 'hero',
        run: 'run1',
        ownerStanding: 'self',
      })
      await writer.append({event: 'intent', state: 'starting', submission: {kind: 'swarmui', phase: 'intent'}})
      await writer.append({
        event: 'submitted',
        state: 'generating',
        submission: {kind: 'swarmui', phase: 'ack', handle: 'ag/run1/hero'},
      })
      await writer.append({event: 'completed', state: 'completed', progress: 1, result: {picture, seed: 42}})
      expect(await store.get('gen-a')).toMatchObject({
        state: 'completed',
        progress: 1,
        seq: 4,
        result: {picture, seed: 42},
        submission: {handle: 'ag/run1/hero'},
      })
      const events = []
      for await (const line of store.history('gen-a')) events.push(line.event)
      expect(events).toEqual(['created', 'intent', 'submitted', 'completed'])
      expect(await store.request('gen-a')).toEqual(request)
    })

    test('lists the active ones apart, in the order they began', async () => {
      await using under = await make()
      const {store} = under
      for (const id of ['gen-c', 'gen-a', 'gen-b']) await store.create(id, request)
      const done = await store.create('gen-d', request)
      await done.append({event: 'failed', state: 'failed', result: {error: 'no', reason: 'failed'}})
      const ids = (sessions: readonly {id: string}[]) => sessions.map(({id}) => id)
      expect(ids(await store.list({active: true})).sort()).toEqual(['gen-a', 'gen-b', 'gen-c'])
      expect(ids(await store.list({active: false}))).toHaveLength(4)
    })

    test('refuses an id that is taken, and one that is none', async () => {
      await using under = await make()
      await under.store.create('gen-a', request)
      await expect(under.store.create('gen-a', request)).rejects.toThrow(/already/)
      await expect(under.store.create('../a', request)).rejects.toThrow(/cannot be the id/)
      expect(await under.store.get('gen-a')).toMatchObject({state: 'pending'})
    })

    test('takes nothing after the end', async () => {
      await using under = await make()
      const writer = await under.store.create('gen-a', request)
      await writer.append({event: 'lost', state: 'lost'})
      await expect(writer.append({event: 'progress', state: 'generating', progress: 0.5})).rejects.toThrow(
        /came too late/,
      )
      expect(await under.store.get('gen-a')).toMatchObject({state: 'lost'})
    })

    test('lets nobody take over a session whose owner lives', async () => {
      await using under = await make()
      await under.store.create('gen-a', request)
      expect(await under.store.claim('gen-a')).toBeUndefined()
    })

    test('lets one take over what came from elsewhere, and shuts the other out', async () => {
      await using under = await make()
      await under.store.create('gen-a', request)
      const other = await under.elsewhere()
      expect(await other.get('gen-a')).toMatchObject({ownerStanding: 'foreign'})
      const writer = await other.claim('gen-a')
      expect(await other.get('gen-a')).toMatchObject({epoch: 2, ownerStanding: 'self'})
      await writer?.append({event: 'recovered', state: 'completed', progress: 1, result: {picture}})
      expect(await other.claim('gen-a')).toBeUndefined()
      expect(await other.get('gen-a')).toMatchObject({state: 'completed'})
      await other.close()
    })

    test('knows the pictures it recorded, the newest of each path', async () => {
      await using under = await make()
      for (const [id, sha256] of [
        ['gen-a', 'aa'.repeat(32)],
        ['gen-b', 'bb'.repeat(32)],
      ] as const) {
        const writer = await under.store.create(id, request)
        await writer.append({event: 'completed', state: 'completed', result: {picture: {...picture, sha256}}})
      }
      const recorded = await under.store.recordedPictures()
      expect(recorded.size).toBe(1)
      expect(['aa'.repeat(32), 'bb'.repeat(32)]).toContain(recorded.get(picture.path))
    })

    test('records what is over already in one step, with the times it had', async () => {
      await using under = await make()
      const {store} = under
      const times = {startedAt: '2025-10-19T16:27:45.284Z', endedAt: '2025-10-19T17:16:23.000Z'}
      const event = {event: 'recovered', state: 'completed', progress: 1, result: {picture}} as const
      await store.record('gen-a', request, event, {times})
      expect(await store.get('gen-a')).toMatchObject({
        state: 'completed',
        startedAt: times.startedAt,
        updatedAt: times.endedAt,
        result: {picture},
      })
      expect(await store.list({active: true})).toEqual([])
      expect(await store.request('gen-a')).toEqual(request)
      await expect(store.record('gen-a', request, event)).rejects.toThrow(/already/)
    })

    test('removes what is settled, and nothing else', async () => {
      await using under = await make()
      const {store} = under
      await store.record('gen-a', request, {event: 'failed', state: 'failed'})
      await store.create('gen-b', request)
      expect(await store.upkeep.remove(['gen-a', 'gen-b', 'gen-c'])).toEqual(['gen-a'])
      expect((await store.list({active: false})).map(({id}) => id)).toEqual(['gen-b'])
      await store.record('gen-a', request, {event: 'failed', state: 'failed'})
      expect(await store.get('gen-a')).toMatchObject({state: 'failed'})
    })

    test('merges lines of another copy, and says when there is nothing new', async () => {
      await using under = await make()
      await under.store.record('gen-a', request, {event: 'failed', state: 'failed'})
      const other = await under.elsewhere()
      const lines: string[] = []
      for await (const {text} of other.history('gen-a')) lines.push(text)
      const renamed = lines.map((line) => line.replaceAll('gen-a', 'gen-b'))
      const parsed = (texts: readonly string[]) => texts.flatMap((text) => parseLine(text) ?? [])
      const merge = async (texts: readonly string[]) => {
        const outcomes = await under.store.upkeep.merge(new Map([['gen-b', parsed(texts)]]))
        return outcomes.get('gen-b')
      }
      expect(await merge([...renamed, ...lines, 'nonsense'])).toMatchObject({state: 'new'})
      expect(await merge(renamed)).toMatchObject({state: 'unchanged'})
      expect(await under.store.get('gen-b')).toMatchObject({state: 'failed', asset: 'hero'})
      await expect(under.store.upkeep.merge(new Map([['../b', parsed(renamed)]]))).rejects.toThrow(/cannot be the id/)
      await other.close()
    })

    test('checks a history line by line', async () => {
      await using under = await make()
      await under.store.record('gen-a', request, {event: 'failed', state: 'failed'})
      expect(await under.store.upkeep.check('gen-a')).toEqual({
        lines: 1,
        damaged: 0,
        torn: false,
        hasRequest: true,
        missing: 0,
      })
      expect(await under.store.upkeep.check('gen-b')).toBeUndefined()
    })

    test('tells which runs other processes are at, for as long as they are', async () => {
      await using under = await make()
      const other = await under.beside()
      const first = await other.runs.join('run1', 'http://x')
      await other.runs.join('run2', 'http://y')
      const there = await under.store.runs.attendants()
      expect(there.map(({run, server}) => [run, server]).sort()).toEqual([
        ['run1', 'http://x'],
        ['run2', 'http://y'],
      ])
      expect(new Set(there.map(({token}) => token)).size).toBe(1)
      expect(await other.runs.attendants()).toEqual([])
      await first.rename('run3')
      expect((await under.store.runs.attendants()).map(({run}) => run).sort()).toEqual(['run2', 'run3'])
      await first[Symbol.asyncDispose]()
      expect(await under.store.runs.attendants()).toMatchObject([{run: 'run2'}])
      await other.close()
      expect(await under.store.runs.attendants()).toEqual([])
    })

    test('keeps the credential of a run until its process has left it', async () => {
      await using under = await make()
      const attendance = await under.store.runs.join('run1', 'http://x')
      await attendance.keepCredential({server: 'http://x', secret: 's3cr3t'})
      const kept = await under.store.runs.credentials('run1')
      expect([...kept.values()]).toEqual([{server: 'http://x', secret: 's3cr3t'}])
      await attendance[Symbol.asyncDispose]()
      expect((await under.store.runs.credentials('run1')).size).toBe(0)
    })

    test('asks a process to stop a run, whatever its name by then, and no later one', async () => {
      await using under = await make()
      const other = await under.beside()
      const attendance = await other.runs.join('run1', 'http://x')
      const [attendant] = await under.store.runs.attendants()
      await attendance.rename('run2')
      expect(await attendance.cancelRequested()).toBe(false)
      for (let terminal = 0; terminal < 2; terminal++) {
        await under.store.runs.requestCancel({attendant: attendant?.id ?? ''})
      }
      expect(await attendance.cancelRequested()).toBe(true)
      const later = await other.runs.join('run2', 'http://x')
      expect(await later.cancelRequested()).toBe(false)
      await other.close()
    })

    test('asks the owner of a session to stop that one', async () => {
      await using under = await make()
      const other = await under.beside()
      const attendance = await other.runs.join('run1', 'http://x')
      const writer = await other.create('gen-run1-a', request)
      const {owner = ''} = (await under.store.get(writer.id)) ?? {}
      await under.store.runs.requestCancel({session: writer.id, owner})
      expect([...(await attendance.sessionsToCancel())]).toEqual([writer.id])
      expect([...(await under.store.runs.cancelRequests(owner))]).toEqual([writer.id])
      expect(await attendance.cancelRequested()).toBe(false)
      await attendance[Symbol.asyncDispose]()
      expect([...(await under.store.runs.cancelRequests(owner))]).toEqual([])
      await other.close()
    })

    test('tells that a session began or ended, until it is told to stop', async () => {
      await using under = await make()
      const writer = await under.store.create('gen-r1-a', request)
      let changes = 0
      const stop = under.store.watch(() => changes++)
      await writer.append({event: 'failed', state: 'failed', result: {error: 'x', reason: 'x'}})
      await until('a change', () => changes > 0)
      stop()
    })
  })
}
