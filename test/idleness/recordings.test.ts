import {describe, expect, test} from '@jest/globals'
import {find, type Scope} from '../../src/idleness/find.ts'
import {SwarmServer} from '../../src/server/swarmui/client.ts'
import type {SessionStore} from '../../src/store/session-store.ts'
import {recordedServer} from '../support/recorded-server.ts'

const NEW = 'swarmui-0.9.8.2'
const OLD = 'swarmui-0.9.7'
const noSessions = {list: async () => []} as unknown as SessionStore

describe('what a real server said, at a moment of its recording, is', () => {
  test.each<[string, string, number, Scope, string, RegExp]>([
    [NEW, '01-server-info', 60, 'server', 'idle', /nothing waits/],
    [NEW, '05-status-while-busy', 40, 'server', 'busy', /^3 pictures waiting or running, 1 at a backend \(local 3\)$/],
    [NEW, '05-status-while-busy', 2562, 'server', 'busy', /^1 picture waiting or running, 1 at a backend/],
    [NEW, '05-status-while-busy', 3300, 'server', 'idle', /nothing waits/],
    [NEW, '18-backend-loading', 850, 'server', 'busy', /backends are loading/],
    [NEW, '18-backend-loading', 9000, 'server', 'unusable', /report an error/],
    [NEW, '34-one-backend-dead', 890, 'server', 'busy', /backends are loading/],
    [NEW, '34-one-backend-dead', 5840, 'server', 'idle', /nothing waits/],
    [NEW, '35-comfy-queue-behind', 1250, 'server', 'busy', /^2 pictures waiting or running/],
    [NEW, '35-comfy-queue-behind', 5241, 'server', 'busy', /behind backend 0: 1 running, 0 pending/],
    [NEW, '35-comfy-queue-behind', 7446, 'server', 'idle', /nothing waits/],
    [NEW, '16-backend-gone-allow-idle', 1600, 'own', 'idle', /./],
    [NEW, '16-backend-gone-allow-idle', 4600, 'own', 'unusable', /unreachable \(SwarmUI calls that "idle"\)/],
    [NEW, '16-backend-gone-allow-idle', 21_000, 'own', 'idle', /./],
    [NEW, '17-no-backends', 2000, 'own', 'unusable', /switched off/],
    [NEW, '17-no-backends', 7200, 'own', 'unusable', /no backends/],
    [NEW, '21-limited-user', 1230, 'auto', 'denied', /permission read_server_info_panels/],
    [OLD, '01-server-info', 60, 'auto', 'denied', /takes 0\.9\.8 or newer/],
    [OLD, '01-server-info', 60, 'own', 'idle', /no generation of this workspace/],
    [OLD, '21-limited-user', 1230, 'server', 'denied', /takes 0\.9\.8 or newer/],
  ])('%s %s at %i ms, scope %s: %s', async (version, name, at, scope, state, reason) => {
    await using recorded = await recordedServer(version, name, at)
    const server = new SwarmServer(recorded.url)
    const {signal} = new AbortController()
    const found = await find({server, sessions: noSessions, signal}, {scope, maxQueue: 0, requireBackends: 1})
    await server.close()
    expect(found).toMatchObject({state, reason: expect.stringMatching(reason)})
  })
})
