import {describe, expect, test} from '@jest/globals'
import {type GateOptions, ServerWatch} from '../../src/idleness/server-watch.ts'
import type {ImageServer} from '../../src/server/image-server.ts'
import type {SessionStore} from '../../src/store/session-store.ts'
import {virtualTime} from '../support/virtual-time.ts'

const GATE: GateOptions = {scope: 'server', stableForMs: 2000, maxQueue: 0, requireBackends: 1, reverse: false}
const {signal} = new AbortController()

/** A watch over a quiet server, in virtual time, that says who it is as `identify` does. */
function over(identify: (sleep: (ms: number) => Promise<void>) => Promise<string>) {
  const time = virtualTime()
  const server = {
    address: 'http://quiet',
    sample: async () => ({
      activity: {waitingGens: 0, waitingBackends: 0, loadingModels: 0, liveGens: 0},
      backendStatus: {status: 'running', message: '', loading: false},
      readiness: {usable: true},
    }),
    serverId: async ({fresh}: {fresh: boolean}) => (fresh ? identify((ms) => time.sleep(ms)) : 'first'),
    contact: () => ({}),
  } as unknown as ImageServer
  const watch = new ServerWatch(server, {clock: time, sessions: {} as SessionStore}, {...GATE, random: () => 0})
  const looks = async (count: number): Promise<void> => {
    for (let look = 0; look < count; look++) {
      if (look > 0) await time.sleep(watch.nextDelay())
      await watch.look(signal)
    }
  }
  return {time, watch, looks}
}

describe('a server under observation', () => {
  test('is open when its window is full and it is the same server', async () => {
    const {time, watch, looks} = over(async () => 'first')
    await time.run(looks(2))
    expect(watch.open).toBe(false)
    await time.run(looks(2))
    expect(watch.open).toBe(true)
  })

  test('is not open while it is still asked who it is', async () => {
    const open: boolean[] = []
    const {time, watch, looks} = over(async (sleep) => {
      open.push(watch.open)
      await sleep(50)
      open.push(watch.open)
      return 'second'
    })
    await time.run(looks(3))
    expect({open, restarts: watch.restarts}).toEqual({open: [false, false], restarts: 1})
    expect(watch.open).toBe(false)
  })

  test('is not open by a verdict that grew old while it was asked who it is', async () => {
    const {time, watch, looks} = over(async (sleep) => {
      await sleep(55_000)
      return 'first'
    })
    await time.run(looks(3))
    expect(watch.open).toBe(false)
  })

  test('stays open only as long as its last look is fresh', async () => {
    const {time, watch, looks} = over(async () => 'first')
    await time.run(looks(3))
    expect(watch.open).toBe(true)
    await time.run(time.sleep(30_000))
    expect(watch.open).toBe(false)
  })
})
