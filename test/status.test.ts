import {PassThrough} from 'node:stream'
import {describe, expect, test} from '@jest/globals'
import {statusTable} from '../src/face/status-table.ts'
import {status} from '../src/status.ts'
import {rehearse} from './support/context.ts'
import {orphan} from './support/orphan.ts'

const request = {run: 'r1', asset: 'hero', prompt: 'p', parameters: {}, output: 'a.png', server: 'http://x'}
const manifest = 'assets: [{id: hero, prompt: p, model: mock/flux-dev}]'
/** No terminal, so no colours. */
const plain = new PassThrough() as unknown as NodeJS.WriteStream

describe('status', () => {
  test('has every field of the seeds, also when there is nothing to tell', async () => {
    await using at = await rehearse()
    const result = await status(at.context)
    expect(result).toMatchObject({
      schemaVersion: 1,
      status: 'online',
      version: '0.9.8.2.GIT-00000000',
      backends: [{id: '0', type: 'comfyui_api', status: 'running'}],
      models_count: 4,
      models_loaded: 0,
      server_activity: {state: 'idle'},
      active_generations: [],
      waiting_runs: [],
      generations_running: 0,
      usable: true,
      exit_code: 0,
    })
    expect(result.response_time).toMatch(/^\d+ms$/)
    expect(JSON.stringify(result)).not.toMatch(/[0-9a-f]{40}/)
  })

  test('counts the work of others by the server, never by a backend that is running', async () => {
    await using at = await rehearse({foreign: {waiting_gens: 3, live_gens: 2}})
    expect(await status(at.context)).toMatchObject({
      generations_running: 3,
      generations_running_source: 'server',
      server_activity: {state: 'busy', waiting_gens: 3},
    })
  })

  test('has the verdict and the evidence of wait-idle', async () => {
    await using at = await rehearse({comfy_queue: 2})
    const {server_activity: activity} = await status(at.context)
    expect(activity).toMatchObject({state: 'busy', waiting_gens: 0, reason: /behind backend 0: 1 running, 1 pending/})
    expect(activity.evidence.map(({says}) => says)).toEqual(['idle', 'busy'])
  })

  test('shows the generations of this workspace that are on their way', async () => {
    await using at = await rehearse()
    const writer = await at.sessions.create('gen-r1-hero', request)
    await writer.append({event: 'submitted', state: 'generating', progress: 0.45})
    const result = await status(at.context)
    expect(result).toMatchObject({
      generations_running: 1,
      generations_running_source: 'workspace',
      active_generations: [
        {
          session_id: 'gen-r1-hero',
          status: 'generating',
          progress: 0.45,
          owner: 'self',
          staleness: 'fresh',
          asset: 'hero',
        },
      ],
    })
    expect(result.active_generations[0]?.duration).toMatch(/^\d+s$/)
  })

  test('names a run that has no generation yet, or only those of a process that is gone', async () => {
    await using at = await rehearse()
    await orphan(at, manifest, {asset: 'hero', run: 'r1', phase: 'none'})
    await using other = await at.beside()
    await other.sessions.runs.join('r1', at.server.address)
    const result = await status(at.context)
    expect(result).toMatchObject({waiting_runs: ['r1'], orphaned_generations: [{session_id: 'gen-r1-hero'}]})
    expect(statusTable(result, plain)).toMatch(/^Waiting for its turn: the run r1$/m)
    await other.sessions.create('gen-r1-moon', request)
    expect(await status(at.context)).toMatchObject({waiting_runs: []})
  })

  test.each([
    [
      'this user may not see the work of others',
      {users: [{name: 'guest1', role: 'user' as const}]},
      {userId: 'guest1'},
    ],
    ['the server is too old to tell', {version: '0.9.7' as const}, {}],
  ])('says unknown, not idle, when %s', async (_what, options, identity) => {
    await using at = await rehearse(options, identity)
    expect(await status(at.context)).toMatchObject({
      server_activity: {state: 'unknown'},
      generations_running: 0,
      generations_running_source: 'workspace, server unknown',
    })
  })

  test('of a server that is away is complete, with exit code 3', async () => {
    await using at = await rehearse()
    await at.sessions.create('gen-r1-hero', request)
    await at.mock.close()
    expect(await status(at.context)).toMatchObject({
      status: 'offline',
      error: {message: /Cannot reach SwarmUI/},
      models_count: null,
      server_activity: {state: 'unknown'},
      active_generations: [{session_id: 'gen-r1-hero'}],
      generations_running: 1,
      exit_code: 3,
    })
  })

  test('of a server that wants other credentials is denied, with exit code 4', async () => {
    await using at = await rehearse({authorization: 'secret words'})
    expect(await status(at.context)).toMatchObject({status: 'denied', exit_code: 4})
  })

  test('downloads the list of models once', async () => {
    await using at = await rehearse({faults: [{when: {route: 'ListModels', nth: 2}, do: {status: 500}}]})
    expect(await status(at.context)).toMatchObject({models_count: 4})
  })
})

describe('the table of a status', () => {
  test('has the lines of the seeds', async () => {
    await using at = await rehearse()
    const writer = await at.sessions.create('gen-abc123', request)
    await writer.append({event: 'submitted', state: 'generating', progress: 0.45})
    const result = await status(at.context)
    const [first] = result.active_generations
    const fixed = {
      ...result,
      server_url: 'http://localhost:7801',
      response_time: '145ms',
      active_generations: first ? [{...first, duration: '2.5m'}] : [],
    }
    expect(statusTable(fixed, plain)).toBe(`SwarmUI Server Status
═══════════════════════════════════════════════

Server URL:      http://localhost:7801
Status:          online
Response Time:   145ms
Version:         0.9.8.2.GIT-00000000
Activity:        idle

Backends
───────────────────────────────────────────────
  • 0 (mock)
    Type:          comfyui_api
    Status:        running

Active Generations
───────────────────────────────────────────────
  Generation 1:
    Session ID:    gen-abc123
    Asset:         hero
    Status:        generating
    Progress:      45.0%
    Duration:      2.5m

Models
───────────────────────────────────────────────
Total Available: 4
`)
  })

  test('says in words what is not known', async () => {
    await using at = await rehearse({version: '0.9.7'})
    expect(statusTable(await status(at.context), plain)).toMatch(
      /Activity: +unknown \(this SwarmUI has no GetGlobalStatus.*\n[\s\S]*whether the server works for others is unknown/,
    )
  })

  test('explains that an idle backend is one that cannot be reached', async () => {
    await using at = await rehearse({backends: [{status: 'idle', allow_idle: true, gone: true}]})
    expect(statusTable(await status(at.context), plain)).toMatch(/Status: +idle \(unreachable\)/)
  })
})
