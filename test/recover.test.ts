import {createHash} from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {beforeEach, describe, expect, test} from '@jest/globals'
import {readManifest} from '../src/asset/manifest.ts'
import type {Context} from '../src/context.ts'
import {InterruptedError, UnreachableError} from '../src/errors.ts'
import {type RecoverOptions, type RecoverResult, recover} from '../src/recover.ts'
import {resubmit} from '../src/resubmit.ts'
import {SwarmServer} from '../src/server/swarmui/client.ts'
import {withoutPrompts} from '../src/session/without-prompts.ts'
import {outputOf, type Rehearsal, rehearse} from './support/context.ts'
import {keepCredentialOf, orphan} from './support/orphan.ts'
import {recoverOptions} from './support/recover-options.ts'
import {until} from './support/until.ts'

const two = `
defaults: {model: mock/sdxl-base, steps: 4, width: 64, height: 64}
assets: [{id: sun, prompt: a sun}, {id: moon, prompt: a moon}]
`

async function options(at: Rehearsal, some: Partial<RecoverOptions> = {}): Promise<RecoverOptions> {
  const manifest = existsSync(join(at.folder, 'ag.yaml')) ? await readManifest(join(at.folder, 'ag.yaml')) : undefined
  const {places} = recoverOptions(at.folder)
  const declared = new Map(manifest?.assets.map((asset) => [asset.id, asset]))
  const outputDirectory = manifest?.outputDirectory ?? places.outputDirectory
  return recoverOptions(at.folder, {places: {...places, outputDirectory, declared}, retries: 1, ...some})
}

async function run(at: Rehearsal, some: Partial<RecoverOptions> = {}): Promise<RecoverResult> {
  return recover(at.context, await options(at, some))
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** Everything below a folder and its content: to see that nothing was changed. */
function contents(folder: string): string[] {
  return (readdirSync(folder, {recursive: true, withFileTypes: true}) as import('node:fs').Dirent[])
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/locks/') && !path.includes('/owners/'))
    .sort()
    .map((path) => `${path} ${sha256(path)}`)
}

describe('recover', () => {
  // That a preset may set the seed, also one that is named in the prompt: reference 2.1.
  test('takes a picture with another seed where the key says that it is the one', async () => {
    await using at = await rehearse()
    const manifest = two.replace('prompt: a sun', 'prompt: "a sun <preset:night>", seed: 6')
    const id = await orphan(at, manifest, {asset: 'sun', phase: 'ack'})
    const {key = '', run: name = ''} = (await at.sessions.get(id)) ?? {}
    const parameters = {prompt: 'a sun', model: 'mock/sdxl-base', steps: 4, width: 64, height: 64, seed: 99}
    const {signal} = at.context
    await at.server.generate({parameters, tag: {run: name, item: 'sun', key}}, {signal})
    expect(await run(at)).toMatchObject({sessions: [{state: 'completed', reason: 'on_server'}]})
  })

  test('puts a picture where its asset wants it, also when the history came without its prompts', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    await using other = await at.elsewhere()
    const history = join(other.folder, '.ag', 'sessions', `${id}.jsonl`)
    writeFileSync(history, readFileSync(history, 'utf8').split('\n').map(withoutPrompts).join('\n'))
    await other.write('ag.yaml', two)
    expect(await run(other)).toMatchObject({sessions: [{state: 'completed', path: 'assets/sun.png'}]})
  })

  test('reads folders of any size, and no word of a snapshot as more than a word', async () => {
    await using at = await rehearse()
    await at.write('output/gen-x/a.png', 'no picture')
    await at.write('output/gen-x/session_state.json', '{"status": "constructor"}')
    expect(await run(at, {apply: false})).toMatchObject({sessions: [{session: 'gen-x', evidence: {snapshot: 'bad'}}]})
    await at.write('output/gen-y/session_state.json', '{"status": "failed", "created_at": "60000"}')
    await run(at, {sessions: ['gen-y']})
    expect(await at.sessions.get('gen-y')).toMatchObject({state: 'failed'})
  })

  test('has nothing to do where there is nothing', async () => {
    await using at = await rehearse()
    expect(await run(at, {apply: false})).toMatchObject({sessions: [], exit_code: 0})
    expect(readdirSync(at.folder)).toEqual([])
  })

  test('tells what it would do, and changes nothing', async () => {
    await using at = await rehearse()
    await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    await orphan(at, two, {asset: 'moon', phase: 'none'})
    const before = contents(at.folder)
    const {sessions} = await run(at, {apply: false})
    expect(sessions).toMatchObject([
      {session: 'gen-dead1-moon', row: 8, state: 'failed', reason: 'never_submitted', outcome: 'planned'},
      {session: 'gen-dead1-sun', row: 6, state: 'completed', action: 'adopt_from_server', outcome: 'planned'},
    ])
    expect(contents(at.folder)).toEqual(before)
  })

  test('fetches what is finished, settles the rest, and finds nothing to do again', async () => {
    await using at = await rehearse()
    const sun = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    const moon = await orphan(at, two, {asset: 'moon', phase: 'ack'})
    expect(await run(at)).toMatchObject({
      exit_code: 0,
      sessions: [
        {session: moon, state: 'lost', reason: 'gone', outcome: 'done', retryable: true},
        {session: sun, state: 'completed', outcome: 'done', path: 'assets/sun.png'},
      ],
    })
    expect(await at.sessions.get(sun)).toMatchObject({
      state: 'completed',
      result: {recovered: 'server', picture: {sha256: sha256(outputOf(at, 'sun.png'))}},
    })
    await at.sessions.close()
    const before = contents(at.folder)
    expect(await run(at)).toMatchObject({sessions: [], exit_code: 0})
    expect(contents(at.folder)).toEqual(before)
  })

  test.each([
    ['takes a picture from the disk by the digest that was recorded', 'same', 'completed'],
    ['takes no file from the disk whose bytes are not those that were recorded', 'other', 'lost'],
  ])('%s', async (_what, which, state) => {
    await using at = await rehearse()
    const jpg = two.replace('height: 64', 'height: 64, params: {imageformat: JPG}')
    const id = await orphan(at, jpg, {asset: 'sun', phase: 'ack'})
    const parameters = {prompt: 'x', model: 'mock/sdxl-base', width: 64, height: 64, imageformat: 'JPG'}
    const {ref} = await at.server.generate({parameters, tag: {run: 'x', item: 'x'}}, {signal: at.context.signal})
    // A JPG: it carries no tag that ag reads, so that only the digest can tell.
    const path = await at.write('assets/sun.jpg', await at.server.download(ref, at.context.signal))
    const digest = which === 'same' ? sha256(path) : '0'.repeat(64)
    const history = join(at.folder, '.ag', 'sessions', `${id}.jsonl`)
    const last = JSON.parse(readFileSync(history, 'utf8').trimEnd().split('\n').at(-1) ?? '')
    const picture = {path: 'assets/sun.jpg', sha256: digest, bytes: 1, width: 64, height: 64, format: 'jpg'}
    const fetched = {...last, ag: {...last.ag, seq: last.ag.seq + 1, ev: 'fetched', result: {picture}}}
    appendFileSync(history, `${JSON.stringify(fetched)}\n`)
    expect(await run(at)).toMatchObject({sessions: [{session: id, state}]})
  })

  test('finds a picture on disk that carries its tag, without the server', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    const image = (await at.server.findPictures('dead1', [{item: 'sun'}], at.context.signal)).get('sun')
    const bytes = await at.server.download(image?.ref ?? '', at.context.signal)
    await at.write('assets/sun.png', bytes)
    await at.mock.close()
    expect(await run(at)).toMatchObject({
      exit_code: 0,
      sessions: [{session: id, row: 5, state: 'completed', action: 'adopt_from_disk'}],
    })
  })

  test('replaces no file: a picture whose place is taken goes to a folder of its own', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    await at.write('assets/sun.png', 'a drawing of somebody')
    const {sessions} = await run(at)
    expect(sessions).toMatchObject([{state: 'completed', path: `output/${id}/${id}.png`}])
    expect(readFileSync(outputOf(at, 'sun.png'), 'utf8')).toBe('a drawing of somebody')
    const snapshot = JSON.parse(readFileSync(join(at.folder, 'output', id, 'session_state.json'), 'utf8'))
    expect(snapshot).toMatchObject({id, status: 'completed', recovered_from_disk: true, result: {success: true}})
  })

  test('takes no path from a history that came from elsewhere', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    await using other = await at.elsewhere()
    const history = join(other.folder, '.ag', 'sessions', `${id}.jsonl`)
    const elsewhere = `../${basename(at.folder)}/evil.png`
    writeFileSync(history, readFileSync(history, 'utf8').replaceAll('assets/sun.png', elsewhere))
    expect(await run(other)).toMatchObject({sessions: [{state: 'completed', path: `output/${id}/${id}.png`}]})
  })

  test('asks nothing of the server by names that ag never gives', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack'})
    const history = join(at.folder, '.ag', 'sessions', `${id}.jsonl`)
    const text = readFileSync(history, 'utf8')
    writeFileSync(history, text.replaceAll('"task_id":"dead1"', '"task_id":"../../x"'))
    expect(await run(at)).toMatchObject({sessions: [{state: 'lost', reason: 'gone'}]})
  })

  test('never touches what a live process makes', async () => {
    await using at = await rehearse()
    const writer = await at.sessions.create('gen-r1-live', {
      run: 'r1',
      asset: 'live',
      prompt: 'x',
      parameters: {},
      output: 'x.png',
      server: '',
    })
    expect(await run(at)).toMatchObject({sessions: [{state: 'live', row: 3, action: 'none', outcome: 'open'}]})
    expect(await at.sessions.get(writer.id)).toMatchObject({state: 'pending', epoch: 1})
  })

  test('leaves what only the server knows as it is while the server is away, and says so', async () => {
    await using at = await rehearse()
    const sun = await orphan(at, two, {asset: 'sun', phase: 'ack'})
    const moon = await orphan(at, two, {asset: 'moon', phase: 'none'})
    at.mock.control({down: true})
    const result = await run(at)
    expect(result).toMatchObject({exit_code: 3, error: {message: expect.stringContaining('reach')}})
    expect(await at.sessions.get(sun)).toMatchObject({state: 'generating', ownerStanding: 'dead'})
    expect(await at.sessions.get(moon)).toMatchObject({state: 'failed'})
  })

  test('waits for what is running, and takes it', async () => {
    await using at = await rehearse({step_ms: 50})
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack'})
    await using running = await startElsewhere(at, id)
    expect(await run(at)).toMatchObject({sessions: [{state: 'running', action: 'reattach', outcome: 'open'}]})
    expect(await run(at, {waitMs: 60_000})).toMatchObject({
      exit_code: 0,
      sessions: [{state: 'completed', path: 'assets/sun.png'}],
    })
    await running.done()
  })

  test('stops waiting at its deadline with 124, with nothing lost', async () => {
    await using at = await rehearse({step_ms: 100_000})
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack'})
    await using _running = await startElsewhere(at, id)
    expect(await run(at, {waitMs: 100})).toMatchObject({exit_code: 124, sessions: [{state: 'running'}]})
    expect(await at.sessions.get(id)).toMatchObject({state: 'generating'})
  })

  test('takes nothing for dead on a server that tells who is there, but not what they wait for', async () => {
    await using at = await rehearse({foreign: {waiting_gens: 2, live_gens: 1}})
    await orphan(at, two, {asset: 'sun', phase: 'intent'})
    at.mock.control({faults: [{when: {route: 'ListConnectedUsers'}, do: {json: {users: [{id: 'local'}]}}}]})
    expect(await run(at)).toMatchObject({sessions: [{state: 'unverified', outcome: 'open'}]})
  })

  test('stops waiting at its deadline when it is the server that does not answer', async () => {
    await using at = await rehearse({step_ms: 100_000})
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack'})
    await using _running = await startElsewhere(at, id)
    let looks = 0
    const server = Object.assign(new SwarmServer(at.mock.url), {
      findPictures: (_run: string, _wanted: unknown, signal: AbortSignal) =>
        looks++ === 0
          ? Promise.resolve(new Map())
          : new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    })
    const result = await recover({...at.context, server}, await options(at, {waitMs: 100}))
    expect(result).toMatchObject({exit_code: 124, sessions: [{session: id, outcome: 'open'}]})
    await server.close()
  })

  test('does not say of a server that never answered that it still works', async () => {
    await using at = await rehearse()
    await orphan(at, two, {asset: 'sun', phase: 'ack'})
    at.mock.control({down: true})
    const server = Object.assign(new SwarmServer(at.mock.url), {
      userId: (signal: AbortSignal) =>
        new Promise<never>((_, reject) => {
          const late = setTimeout(() => reject(new UnreachableError('away')), 30)
          signal.addEventListener('abort', () => {
            clearTimeout(late)
            reject(signal.reason)
          })
        }),
    })
    expect(await recover({...at.context, server}, await options(at, {waitMs: 100}))).toMatchObject({exit_code: 3})
    await server.close()
  })

  test('gives up what nobody can tell of only after a while', async () => {
    await using at = await rehearse({
      users: [{name: 'guest', role: 'user'}],
      foreign: {waiting_gens: 2, live_gens: 1},
    })
    await orphan(at, two, {asset: 'sun', phase: 'intent'})
    await using guest = await at.elsewhere({userId: 'guest'})
    await at.write('ag.yaml', two)
    expect(await run(guest)).toMatchObject({sessions: [{row: 7, state: 'unverified', reason: 'outcome_unknown'}]})
    expect(await run(guest, {giveUpAfterMs: 0})).toMatchObject({
      sessions: [{row: 7, state: 'lost', reason: 'outcome_unknown', retryable: false}],
    })
  })

  // No recording shows such an answer of View.
  test('gives up no picture, however old, because it is not handed out for a moment', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    const json = {error: 'Too many requests'}
    at.mock.control({faults: [{when: {route: 'View'}, times: 2, do: {status: 429, json}}]})
    const later = {...at.context, clock: {...at.context.clock, now: () => Date.now() + 86_400_000}}
    expect((await recover(later, await options(at))).exit_code).not.toBe(0)
    expect(await at.sessions.get(id)).toMatchObject({state: 'generating'})
    expect(await recover(later, await options(at))).toMatchObject({sessions: [{state: 'completed'}]})
  })

  // No recording shows such an answer of View.
  test('gives up a picture that is withheld for good when its session is named', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    at.mock.control({
      faults: [{when: {route: 'View'}, do: {status: 500, json: {error_id: 'internal_error', error: 'x'}}}],
    })
    expect(await run(at, {giveUpAfterMs: 0})).toMatchObject({exit_code: 6})
    expect(await run(at, {giveUpAfterMs: 0, sessions: [id]})).toMatchObject({sessions: [{state: 'lost'}], exit_code: 0})
  })

  test('settles as cancelled what somebody had asked to stop', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack'})
    const {owner = ''} = (await at.sessions.get(id)) ?? {}
    await at.sessions.runs.requestCancel({session: id, owner})
    expect(await run(at)).toMatchObject({sessions: [{session: id, state: 'cancelled'}]})
  })

  test('looks only at what it is asked to', async () => {
    await using at = await rehearse()
    const sun = await orphan(at, two, {asset: 'sun', phase: 'none'})
    await orphan(at, two, {asset: 'moon', phase: 'none'})
    expect((await run(at, {apply: false, sessions: [sun]})).sessions.map(({session}) => session)).toEqual([sun])
    expect((await run(at, {apply: false, sinceMs: -1})).sessions).toEqual([])
    await expect(run(at, {sessions: ['gen-dead1-sum']})).rejects.toThrow(/no session "gen-dead1-sum"/)
  })

  test('saves the good lines of a history that ends in garbage, and goes on from them', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    const history = join(at.folder, '.ag', 'sessions', `${id}.jsonl`)
    writeFileSync(history, `${readFileSync(history, 'utf8')}${'{"garbage\n'.repeat(20_000)}`)
    const {sessions} = await run(at)
    expect(sessions).toMatchObject([
      {row: 14, action: 'quarantine', outcome: 'done', path: expect.stringContaining('quarantine')},
      {session: id, state: 'completed'},
    ])
    expect(await run(at)).toMatchObject({sessions: []})
  })

  test('puts aside what is no history at all, and follows no link', async () => {
    await using at = await rehearse()
    await orphan(at, two, {asset: 'sun', phase: 'none'})
    const sessions = join(at.folder, '.ag', 'sessions')
    await at.write('precious.txt', 'precious')
    symlinkSync(join(at.folder, 'precious.txt'), join(sessions, 'gen-x-link.jsonl'))
    mkdirSync(join(sessions, 'gen-x-folder.jsonl'))
    writeFileSync(join(sessions, 'gen-x-bad.jsonl'), 'no json\n')
    const found = (await run(at)).sessions.filter(({row}) => row === 14)
    expect(found.map(({session}) => session)).toEqual(['gen-x-bad', 'gen-x-folder', 'gen-x-link'])
    for (const {path} of found) expect(existsSync(dirname(join(at.folder, path ?? '')))).toBe(true)
    expect(readFileSync(join(at.folder, 'precious.txt'), 'utf8')).toBe('precious')
    expect(await run(at)).toMatchObject({sessions: []})
  })
})

describe('recover, asked to take what is not its own', () => {
  test('settles nothing that was sent to another server, and says where to ask', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    await using other = await rehearse()
    const result = await recover({...at.context, server: other.server}, await options(at))
    expect(result).toMatchObject({exit_code: 6, sessions: [{state: 'unverified', outcome: 'open'}]})
    expect(result.sessions[0]?.message).toContain(at.server.address)
    expect(await run(at)).toMatchObject({sessions: [{session: id, state: 'completed'}]})
  })

  test('settles nothing that was sent as another user', async () => {
    await using at = await rehearse({users: [{name: 'guest', role: 'owner'}]})
    await at.generate(two, {run: 'r1'})
    await using guest = await at.elsewhere({userId: 'guest'})
    for (const id of ['gen-r1-sun', 'gen-r1-moon']) {
      const path = join(guest.folder, '.ag', 'sessions', `${id}.jsonl`)
      const lines = readFileSync(path, 'utf8').split('\n')
      const cut = lines.slice(
        0,
        lines.findIndex((line) => line.includes('"ev":"fetched"')),
      )
      writeFileSync(path, `${cut.join('\n')}\n`)
    }
    const {sessions} = await run(guest)
    expect(sessions).toMatchObject([{state: 'unverified'}, {state: 'unverified'}])
    expect(sessions[0]?.message).toMatch(/as the user "local"/)
  })

  test('writes through no link, and leaves a session as it is while its picture has no place to go', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    const outside = await at.write('elsewhere/x', '')
    mkdirSync(join(at.folder, 'assets', 'sun.png'), {recursive: true})
    mkdirSync(join(at.folder, 'output'))
    symlinkSync(dirname(outside), join(at.folder, 'output', id))
    expect(await run(at)).toMatchObject({exit_code: 2, sessions: [{outcome: 'failed', state: 'orphaned'}]})
    expect(readdirSync(dirname(outside))).toEqual(['x'])
    rmSync(join(at.folder, 'output', id))
    expect(await run(at)).toMatchObject({sessions: [{state: 'completed', path: `output/${id}/${id}.png`}]})
  })

  test('leaves a session as it is while the server sends half a picture', async () => {
    await using at = await rehearse({faults: [{when: {route: 'View'}, do: {truncate: 50}}]})
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
    expect(await run(at)).toMatchObject({exit_code: 6, sessions: [{outcome: 'failed', state: 'orphaned'}]})
    at.mock.control({faults: []})
    expect(await run(at)).toMatchObject({exit_code: 0, sessions: [{session: id, state: 'completed'}]})
  })

  test('forgets no failure while it waits for something else', async () => {
    await using at = await rehearse({step_ms: 40, faults: [{when: {route: 'View'}, times: 6, do: {truncate: 50}}]})
    const broken = await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true, run: 'dead1'})
    const id = await orphan(at, two, {asset: 'moon', phase: 'ack', run: 'dead2'})
    await using _running = await startElsewhere(at, id)
    const result = await run(at, {waitMs: 60_000})
    expect(result.sessions.map(({session, outcome}) => `${session} ${outcome}`)).toEqual([
      `${broken} failed`,
      `${id} done`,
    ])
    expect(result.exit_code).not.toBe(0)
  })

  test('does not wait for what only another server can tell', async () => {
    await using at = await rehearse()
    await orphan(at, two, {asset: 'sun', phase: 'ack'})
    await using other = await rehearse()
    const context = {...at.context, server: other.server}
    expect(await recover(context, await options(at, {waitMs: 3_600_000}))).toMatchObject({
      exit_code: 6,
      sessions: [{state: 'unverified', outcome: 'open'}],
    })
    const [session] = await at.sessions.list({active: true})
    const named = await options(at, {sessions: [session?.id ?? ''], giveUpAfterMs: 0})
    expect(await recover(context, named)).toMatchObject({exit_code: 0, sessions: [{state: 'lost'}]})
  })

  test('puts two pictures of one asset into two places', async () => {
    await using at = await rehearse()
    await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true, run: 'dead1'})
    await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true, run: 'dead2'})
    const {sessions} = await run(at)
    expect(sessions).toMatchObject([{state: 'completed'}, {state: 'completed'}])
    const paths = sessions.map(({path}) => path ?? '')
    expect(new Set(paths).size).toBe(2)
    for (const path of paths) expect(existsSync(join(at.folder, path))).toBe(true)
  })
})

describe('resubmit', () => {
  let runs = 0
  beforeEach(() => {
    runs = 0
  })
  const shared = {
    newRun: () => `again${++runs}`,
    retries: 1,
    retryDelayMs: 1,
    concurrency: 2,
    failFast: false,
    overwrite: false,
    allowFuzzyModel: false,
  }

  test('makes exactly what was lost, with the same seeds, and no second time', async () => {
    await using at = await rehearse()
    await orphan(at, two, {asset: 'sun', phase: 'ack'})
    await orphan(at, two, {asset: 'moon', phase: 'ack', finished: true})
    const {places} = await options(at)
    await run(at)
    const again = {...shared, places, workspace: at.folder, sessions: []}
    expect(await resubmit(at.context, again)).toMatchObject([{made: 1, assets: [{asset: 'sun'}]}])
    const before = await at.sessions.request('gen-dead1-sun')
    expect((await at.sessions.request('gen-again1-sun'))?.parameters).toEqual(before?.parameters)
    expect(await resubmit(at.context, again)).toEqual([])
  })

  test('makes what no manifest declares from its history, in a folder of its own', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack'})
    const history = join(at.folder, '.ag', 'sessions', `${id}.jsonl`)
    const hostile = '"parameters":{"session_id":"x","sessionid":"x","images":99,"overrideoutpathformat":"/etc/x",'
    writeFileSync(history, readFileSync(history, 'utf8').replace('"parameters":{', hostile))
    await at.write('ag.yaml', two.replace('id: sun', 'id: other'))
    const {places} = await options(at)
    await run(at)
    const results = await resubmit(at.context, {...shared, places, workspace: at.folder, sessions: []})
    expect(results).toMatchObject([{made: 1, assets: [{picture: {path: 'output/gen-again1-sun/sun.png'}}]}])
    expect(Object.keys((await at.sessions.request('gen-again1-sun'))?.parameters ?? {}).sort()).toEqual([
      'height',
      'model',
      'prompt',
      'seed',
      'steps',
      'width',
    ])
  })

  test('makes nothing of a history that came without its prompt, and says so', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'ack'})
    const history = join(at.folder, '.ag', 'sessions', `${id}.jsonl`)
    const without = readFileSync(history, 'utf8').split('\n').map(withoutPrompts).join('\n')
    writeFileSync(history, without)
    await at.write('ag.yaml', two.replace('id: sun', 'id: other'))
    const {places} = await options(at)
    await run(at)
    expect(await resubmit(at.context, {...shared, places, workspace: at.folder, sessions: []})).toEqual([])
    expect(at.events).toContainEqual({
      event: 'notice',
      message: expect.stringMatching(/gen-dead1-sun cannot be made again/),
    })
  })

  test.each([
    ['between two runs', false],
    ['while the next begins', true],
  ])(
    'tells of the runs that it did not come to that they were interrupted, beside those it made: %s',
    async (_when, begun) => {
      await using at = await rehearse()
      for (const asset of ['sun', 'moon']) await orphan(at, two, {asset, phase: 'none'})
      await run(at)
      await at.write('ag.yaml', two.replace('id: sun', 'id: other').replace('id: moon', 'id: others'))
      const {places} = await options(at)
      const interruption = new AbortController()
      const report: Context['report'] = (event) => {
        if (event.event !== 'run.finished') return
        const routes = begun ? ['ListBackends', 'GetCurrentStatus', 'GetGlobalStatus', 'ListT2IParams'] : []
        at.mock.control({faults: routes.map((route) => ({when: {route}, do: {hang: true}}))})
        setTimeout(() => interruption.abort(new InterruptedError('SIGTERM')), begun ? 50 : 0)
      }
      let runs = 0
      const again = {...shared, newRun: () => `again${++runs}`, places, workspace: at.folder, sessions: []}
      expect(await resubmit({...at.context, report, signal: interruption.signal}, again)).toMatchObject([
        {exit_code: 0, made: 1},
        {exit_code: 143, made: 0, pending: 1, error: {message: /SIGTERM/}},
      ])
    },
  )

  test('asks again for what nobody can tell of only when it is named', async () => {
    await using at = await rehearse()
    const id = await orphan(at, two, {asset: 'sun', phase: 'intent'})
    const writer = await at.sessions.claim(id)
    await writer?.append({event: 'lost', state: 'lost', result: {reason: 'outcome_unknown', error: 'x'}})
    const {places} = await options(at)
    const again = {...shared, places, workspace: at.folder}
    expect(await resubmit(at.context, {...again, sessions: []})).toEqual([])
    expect(await resubmit(at.context, {...again, sessions: [id]})).toMatchObject([{made: 1}])
  })
})

describe('recover of folders that other generators left', () => {
  const uuid = 'e4ea3146-4274-4f0b-bf89-55c579db741c'

  async function picture(at: Rehearsal): Promise<Uint8Array> {
    const {ref} = await at.server.generate(
      {parameters: {prompt: 'x', model: 'mock/sdxl-base', width: 64, height: 64}, tag: {run: 'x', item: 'x'}},
      {signal: at.context.signal},
    )
    return at.server.download(ref, at.context.signal)
  }

  function snapshotOf(at: Rehearsal, id = uuid): Record<string, unknown> {
    return JSON.parse(readFileSync(join(at.folder, 'output', id, 'session_state.json'), 'utf8'))
  }

  function old(path: string): void {
    for (const name of ['', ...readdirSync(path)]) utimesSync(join(path, name), 1, 1)
  }

  test('a render is a completed session, and says where it was found', async () => {
    await using at = await rehearse()
    await at.write(`output/${uuid}/render.png`, await picture(at))
    expect(await run(at)).toMatchObject({sessions: [{session: uuid, row: 11, state: 'completed'}]})
    expect(await at.sessions.get(uuid)).toMatchObject({
      state: 'completed',
      result: {recovered: 'disk', picture: {path: `output/${uuid}/render.png`, width: 64}},
    })
    expect(snapshotOf(at)).toMatchObject({id: uuid, status: 'completed', recovered_from_disk: true})
    expect(await run(at)).toMatchObject({sessions: []})
  })

  test('an unreadable history is put aside, and the files tell instead', async () => {
    await using at = await rehearse()
    await at.write(`output/${uuid}/render.png`, await picture(at))
    await at.write(`.ag/sessions/${uuid}.jsonl`, 'no json\n')
    expect(await run(at)).toMatchObject({sessions: [{session: uuid, row: 11, state: 'completed'}]})
    expect(await at.sessions.get(uuid)).toMatchObject({state: 'completed', result: {recovered: 'disk'}})
    const aside = join(at.folder, '.ag', 'local', 'quarantine')
    expect(readdirSync(aside, {recursive: true})).toContainEqual(expect.stringContaining(`${uuid}.jsonl`))
    expect(await run(at)).toMatchObject({sessions: []})
  })

  test('a broken render is none', async () => {
    await using at = await rehearse()
    await at.write(`output/${uuid}/render.png`, (await picture(at)).subarray(0, 100))
    expect(await run(at)).toMatchObject({sessions: [{row: 12, state: 'unverified'}]})
  })

  test('with the rule of the seed a render alone is not enough', async () => {
    await using at = await rehearse()
    const rule = {complete: ['render.png', 'scene.blend']}
    await at.write(`output/${uuid}/render.png`, await picture(at))
    expect(await run(at, {rule})).toMatchObject({sessions: [{row: 12, state: 'unverified'}]})
    await at.write(`output/${uuid}/scene.blend`, 'BLENDER')
    expect(await run(at, {rule})).toMatchObject({sessions: [{row: 11, state: 'completed'}]})
  })

  test('a concept without a render fails after half an hour, or as long as it is set to', async () => {
    await using at = await rehearse()
    await at.write(`output/${uuid}/concept.md`, 'an idea')
    expect(await run(at)).toMatchObject({sessions: [{row: 12, state: 'unverified', outcome: 'open'}]})
    old(join(at.folder, 'output', uuid))
    expect(await run(at)).toMatchObject({sessions: [{row: 13, state: 'failed', reason: 'given_up'}]})
    expect(snapshotOf(at)).toMatchObject({status: 'failed', recovered_from_disk: true})
    expect(await run(at)).toMatchObject({sessions: []})
  })

  test.each([
    ['completed', 9, 'completed'],
    ['failed', 10, 'failed'],
  ])('a snapshot that says %s is believed, and stays as it is', async (status, row, state) => {
    await using at = await rehearse()
    const text = JSON.stringify({id: uuid, status, prompt: 'a logo', created_at: '2025-10-19T16:27:45.284568'})
    await at.write(`output/${uuid}/session_state.json`, text)
    expect(await run(at)).toMatchObject({sessions: [{row, state}]})
    expect(readFileSync(join(at.folder, 'output', uuid, 'session_state.json'), 'utf8')).toBe(text)
    expect(await at.sessions.request(uuid)).toMatchObject({prompt: 'a logo'})
    expect((await at.sessions.get(uuid))?.startedAt).toMatch(/^2025-10-19T/)
    expect(await run(at)).toMatchObject({sessions: []})
  })

  test('a snapshot that cannot be read is put aside, not deleted', async () => {
    await using at = await rehearse()
    await at.write(`output/${uuid}/session_state.json`, '{"id": tru')
    const {sessions} = await run(at)
    expect(sessions).toMatchObject([{row: 14, action: 'quarantine'}])
    expect(readFileSync(join(at.folder, sessions[0]?.path ?? ''), 'utf8')).toBe('{"id": tru')
    expect(await run(at)).toMatchObject({sessions: []})
  })

  test('our own snapshot that is behind its history is mended', async () => {
    await using at = await rehearse()
    await at.write(`output/${uuid}/session_state.json`, JSON.stringify({id: uuid, status: 'in_progress'}))
    const request = {run: 'r', asset: 'a', prompt: 'p', parameters: {}, output: `output/${uuid}/a.png`, server: ''}
    await at.sessions.record(uuid, request, {event: 'failed', state: 'failed', result: {reason: 'x'}})
    writeFileSync(join(at.folder, '.ag', 'local', 'settled'), '')
    expect(await run(at)).toMatchObject({sessions: [{row: 2, action: 'heal', outcome: 'done'}]})
    expect(snapshotOf(at)).toMatchObject({status: 'failed'})
    expect(await run(at)).toMatchObject({sessions: []})
  })

  test('links are not followed', async () => {
    await using at = await rehearse()
    await at.write('elsewhere/render.png', await picture(at))
    mkdirSync(join(at.folder, 'output'))
    symlinkSync(join(at.folder, 'elsewhere'), join(at.folder, 'output', uuid))
    expect(await run(at)).toMatchObject({sessions: []})
  })
})

/** The server works on an orphan's picture for a process that is goneuntil it is disposed of. */
async function startElsewhere(at: Rehearsal, id: string): Promise<AsyncDisposable & {done(): Promise<unknown>}> {
  const request = await at.sessions.request(id)
  const {run = '', asset = '', parameters = {}} = request ?? {}
  let credential = ''
  const server = new SwarmServer(at.mock.url)
  const leaving = new AbortController()
  const sending = server.generate(
    {parameters: parameters as Record<string, string>, tag: {run, item: asset}},
    {
      signal: leaving.signal,
      onSending: async (secret) => {
        credential = secret
      },
    },
  )
  sending.catch(() => {})
  await until('a request', async () => (await at.asked()) > 0)
  await keepCredentialOf(at, id, credential)
  return {
    done: () => sending,
    [Symbol.asyncDispose]: async () => {
      leaving.abort()
      await server.close()
    },
  }
}
