import {
  appendFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {execa} from 'execa'
import {systemClock} from '../../src/clock.ts'
import {type ParsedLine, parseLine} from '../../src/session/history-line.ts'
import {FencedError} from '../../src/store/history-file.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'
import {writeNewHistory} from '../../src/store/write-history.ts'
import {rehearse} from '../support/context.ts'
import {temporaryFolder} from '../support/folder.ts'
import {manualClock} from '../support/manual-clock.ts'
import {orphan} from '../support/orphan.ts'
import {describeStore, request} from './conformance.ts'

function open(stateDir: string, {clock = manualClock(), readOnly = false, report = (_message: string) => {}} = {}) {
  return openWorkspace({
    ...resolveWorkspace({stateDir, stateFile: undefined}),
    clock,
    command: 'test',
    readOnly,
    report,
  })
}

function openInRealTime(stateDir: string) {
  return openWorkspace({...resolveWorkspace({stateDir, stateFile: undefined}), clock: systemClock, command: 'test'})
}

describeStore('a workspace', async () => {
  const folder = temporaryFolder()
  const away = temporaryFolder()
  const store = open(folder.path)
  return {
    store,
    beside: async () => open(folder.path),
    elsewhere: async () => {
      cpSync(join(folder.path, '.ag', 'sessions'), join(away.path, '.ag', 'sessions'), {recursive: true})
      return open(away.path)
    },
    [Symbol.asyncDispose]: async () => {
      await store.close()
      await folder[Symbol.asyncDispose]()
      await away[Symbol.asyncDispose]()
    },
  }
})

const sessionFile = (root: string, id: string) => join(root, '.ag', 'sessions', `${id}.jsonl`)
const stateFile = (root: string) => JSON.parse(readFileSync(join(root, '.asset-generator-state.json'), 'utf8'))

describe('reading a workspace', () => {
  test('leaves no trace where there is none', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path, {readOnly: true})
    expect(await store.list({active: true})).toEqual([])
    await store.close()
    expect(readdirSync(folder.path)).toEqual([])
  })

  test('finds sessions that came from a cache or an artifact', async () => {
    await using folder = temporaryFolder()
    const first = open(folder.path)
    await first.create('gen-a', request)
    await first.close()
    rmSync(join(folder.path, '.ag', 'local'), {recursive: true})
    expect(await open(folder.path, {readOnly: true}).list({active: true})).toMatchObject([
      {id: 'gen-a', ownerStanding: 'foreign'},
    ])
  })

  test('survives whatever lies in the folder of histories', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    const writer = await store.create('gen-good', request)
    await writer.append({event: 'intent', state: 'starting'})
    const sessions = join(folder.path, '.ag', 'sessions')
    const good = readFileSync(sessionFile(folder.path, 'gen-good'))
    writeFileSync(sessionFile(folder.path, 'gen-empty'), '')
    writeFileSync(sessionFile(folder.path, 'gen-nul'), Buffer.alloc(5000))
    writeFileSync(sessionFile(folder.path, 'gen-giant'), `${'x'.repeat(3_000_000)}\n`)
    writeFileSync(sessionFile(folder.path, 'gen-other'), good)
    writeFileSync(
      sessionFile(folder.path, 'gen-crlf'),
      good.toString().replaceAll('gen-good', 'gen-crlf').replaceAll('\n', '\r\n'),
    )
    writeFileSync(join(sessions, '..bad..jsonl'), good)
    mkdirSync(sessionFile(folder.path, 'gen-folder'))
    symlinkSync('/etc/passwd', sessionFile(folder.path, 'gen-link'))
    await execa('mkfifo', [sessionFile(folder.path, 'gen-fifo')])
    expect((await store.list({active: false})).map(({id}) => id).sort()).toEqual(['gen-crlf', 'gen-good'])
    await store.close()
  })

  test('drops a torn last line', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    const writer = await store.create('gen-a', request)
    await writer.append({event: 'intent', state: 'starting'})
    appendFileSync(sessionFile(folder.path, 'gen-a'), '{"timestamp":"2026-02-14T20:35')
    expect(await store.get('gen-a')).toMatchObject({state: 'starting', seq: 2})
  })

  test('looks past a long tail of lines it does not understand', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    await store.create('gen-a', request)
    appendFileSync(sessionFile(folder.path, 'gen-a'), 'nonsense\n'.repeat(1000))
    expect(await store.get('gen-a')).toMatchObject({state: 'pending'})
  })
})

describe('writing a workspace', () => {
  test('makes .ag ignore itself, and keeps credentials to this user', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    await store.create('gen-a', request)
    const attendance = await store.runs.join('run1', 'http://x')
    await attendance.keepCredential({server: 'http://x', secret: 's3cr3t'})
    expect(readFileSync(join(folder.path, '.ag', '.gitignore'), 'utf8')).toBe('*\n')
    expect(statSync(join(folder.path, '.ag', 'local', 'private')).mode & 0o777).toBe(0o700)
    const [credential] = readdirSync(join(folder.path, '.ag', 'local', 'private'))
    expect(statSync(join(folder.path, '.ag', 'local', 'private', credential ?? '')).mode & 0o777).toBe(0o600)
  })

  test('goes on after a torn line, on a line of its own', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    const writer = await store.create('gen-a', request)
    appendFileSync(sessionFile(folder.path, 'gen-a'), '{"torn')
    await writer.append({event: 'intent', state: 'starting'})
    expect(await store.get('gen-a')).toMatchObject({state: 'starting'})
  })

  test('of a process that died here keeps all its lines when it is taken over', async () => {
    await using at = await rehearse()
    const id = await orphan(at, 'assets: [{id: sun, prompt: x, model: mock/flux-dev}]', {asset: 'sun', phase: 'ack'})
    await at.sessions.claim(id)
    const events = []
    for await (const {event} of at.sessions.history(id)) events.push(event)
    expect(events).toEqual(['created', 'intent', 'submitted', 'reattached'])
    expect(await at.sessions.request(id)).toMatchObject({prompt: 'x'})
  })

  test.each([
    {event: 'intent', state: 'starting'},
    {event: 'progress', state: 'generating', progress: 0.5},
  ] as const)('stops at its next line ($event) when somebody took the session over', async (next) => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    const writer = await store.create('gen-a', request)
    const line = readFileSync(sessionFile(folder.path, 'gen-a'), 'utf8')
    appendFileSync(sessionFile(folder.path, 'gen-a'), line.replace('"epoch":1', '"epoch":2'))
    await expect(writer.append(next)).rejects.toThrow(FencedError)
  })

  test('stops when its history was replaced under it', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    const writer = await store.create('gen-a', request)
    rmSync(join(folder.path, '.ag'), {recursive: true})
    await expect(writer.append({event: 'intent', state: 'starting'})).rejects.toThrow(/replaced/)
  })

  test('thins progress to two lines a second and one percent', async () => {
    await using folder = temporaryFolder()
    const clock = manualClock()
    const store = open(folder.path, {clock})
    const writer = await store.create('gen-a', request)
    for (let step = 1; step <= 100; step++) {
      clock.advance(20)
      await writer.append({event: 'progress', state: 'generating', progress: step / 100})
    }
    const lines = readFileSync(sessionFile(folder.path, 'gen-a'), 'utf8').trim().split('\n')
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.length).toBeLessThanOrEqual(6)
  })

  test('where a file is in the way of .ag is an error that names it', async () => {
    await using folder = temporaryFolder()
    await folder.write('.ag', 'a file where the folder should be')
    await expect(open(folder.path).create('gen-a', request)).rejects.toMatchObject({
      name: 'StorageError',
      exitCode: 1,
      message: /\.ag/,
    })
  })

  test('keeps secrets out of the history, and nothing else', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    const session = 'a1'.repeat(20)
    const asked = {...request, server: 'http://127.0.0.1:7801', user: 'me@example.com', output: 'icons/hero@2x.png'}
    const writer = await store.create('gen-a', {...asked, prompt: `x session_id=${session}`})
    expect(await store.request('gen-a')).toEqual({...asked, prompt: 'x session_id=***'})
    await writer.append({event: 'failed', state: 'failed', message: `http://me:pw@host said session_id: ${session}`})
    const text = readFileSync(sessionFile(folder.path, 'gen-a'), 'utf8')
    expect(text).not.toContain(session)
    expect(text).not.toContain('me:pw')
  })
})

test('what keeps others out is done one at a time', async () => {
  await using folder = temporaryFolder()
  const stores = [openInRealTime(folder.path), openInRealTime(folder.path)]
  const order: string[] = []
  const work = (name: string) => async (): Promise<void> => {
    order.push(`${name} begins`)
    await new Promise((resolve) => setImmediate(resolve))
    order.push(`${name} ends`)
  }
  await Promise.all(stores.map((store, n) => store.exclusively(work(`${n}`))))
  expect(order).toEqual(['0 begins', '0 ends', '1 begins', '1 ends'])
  for (const store of stores) await store.close()
})

test('a session of another process is under way until it is settled', async () => {
  await using folder = temporaryFolder()
  const [ours, theirs] = [openInRealTime(folder.path), openInRealTime(folder.path)]
  const writer = await theirs.create('gen-a', request)
  await ours.create('gen-b', request)
  expect(await ours.underWay()).toMatchObject([{id: 'gen-a', ownerStanding: 'alive'}])
  await writer.append({event: 'failed', state: 'failed'})
  expect(await ours.underWay()).toEqual([])
  for (const store of [ours, theirs]) await store.close()
})

test('tidying removes old temporary files of all that is kept, and only those', async () => {
  await using folder = temporaryFolder()
  const store = openInRealTime(folder.path)
  await store.create('gen-a', request)
  const old = new Date(Date.now() - 24 * 3600_000)
  const names = ['.asset-generator-state.json', '.ag/sessions/gen-x.jsonl', '.ag/local/settled', '.ag/local/active/x']
  for (const name of names) {
    writeFileSync(join(folder.path, `${name}.123.deadbeef.tmp`), 'half')
    utimesSync(join(folder.path, `${name}.123.deadbeef.tmp`), old, old)
    writeFileSync(join(folder.path, `${name}.124.deadbeef.tmp`), 'being written')
  }
  writeFileSync(join(folder.path, 'notes.tmp'), 'mine')
  utimesSync(join(folder.path, 'notes.tmp'), old, old)
  expect(await store.upkeep.tidy()).toBe(names.length)
  for (const name of names) {
    expect(existsSync(join(folder.path, `${name}.123.deadbeef.tmp`))).toBe(false)
    expect(existsSync(join(folder.path, `${name}.124.deadbeef.tmp`))).toBe(true)
  }
  expect(existsSync(join(folder.path, 'notes.tmp'))).toBe(true)
  await store.close()
})

async function someHistory(stateDir: string): Promise<string> {
  await open(stateDir).create('gen-a', request)
  return sessionFile(stateDir, 'gen-a')
}

describe('copies of what is kept elsewhere', () => {
  test('are seen again after the histories of this workspace were removed by hand', async () => {
    await using from = temporaryFolder()
    const theirs = open(from.path)
    await theirs.create('gen-a', request)
    const lines: ParsedLine[] = []
    for await (const {text} of theirs.history('gen-a')) lines.push(...[parseLine(text) ?? []].flat())
    await using folder = temporaryFolder()
    const store = open(folder.path)
    await (await store.create('gen-a', request)).append({event: 'completed', state: 'completed'})
    rmSync(sessionFile(folder.path, 'gen-a'))
    await store.upkeep.merge(new Map([['gen-a', lines]]), {passing: true})
    expect((await store.list({active: true})).map(({id}) => id)).toEqual(['gen-a'])
  })

  test('are written to a new place only, and say what the disk says', async () => {
    await using folder = temporaryFolder()
    const [line] = readFileSync(await someHistory(folder.path), 'utf8').split('\n')
    const parsed = parseLine(line ?? '')
    const path = join(folder.path, 'no such folder', 'gen-a.jsonl')
    expect(() => writeNewHistory(path, parsed ? [parsed] : [])).toThrow(/there is no such folder/)
    expect(writeNewHistory(join(folder.path, 'new.jsonl'), parsed ? [parsed] : [])).toBe(true)
    expect(writeNewHistory(join(folder.path, 'new.jsonl'), [])).toBe(false)
    expect(readFileSync(join(folder.path, 'new.jsonl'), 'utf8')).toBe(`${line}\n`)
  })
})

describe('the state file', () => {
  test('is exactly what seed 002 says, and has the active sessions only', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    const writer = await store.create('gen-a', request)
    await writer.append({event: 'submitted', state: 'generating', progress: 0.45})
    const done = await store.create('gen-b', request)
    await done.append({event: 'completed', state: 'completed'})
    await store.close()
    const at = '2026-02-14T20:35:00.000Z'
    expect(stateFile(folder.path)).toEqual({
      sessions: {'gen-a': {id: 'gen-a', status: 'generating', progress: 0.45, start_time: at, updated_at: at}},
      updated_at: at,
      ag: {v: 1, sessions: ['gen-a']},
    })
  })

  test('is empty of sessions once all are settled', async () => {
    await using folder = temporaryFolder()
    const store = open(folder.path)
    const writer = await store.create('gen-a', request)
    await writer.append({event: 'completed', state: 'completed'})
    await store.close()
    expect(stateFile(folder.path).sessions).toEqual({})
    expect(readdirSync(join(folder.path, '.ag', 'local', 'active'))).toEqual([])
    expect(readdirSync(join(folder.path, '.ag', 'local', 'owners'))).toEqual([])
  })

  test('keeps what another tool wrote, for a day', async () => {
    await using folder = temporaryFolder()
    const entry = (id: string, start_time: string) => ({
      id,
      status: 'generating',
      progress: 0,
      start_time,
      updated_at: start_time,
    })
    const theirs = {sess1: entry('sess1', '2026-02-14T12:00:00Z'), sess2: entry('sess2', '2026-02-12T12:00:00Z')}
    await folder.write('.asset-generator-state.json', JSON.stringify({sessions: theirs}))
    const store = open(folder.path)
    await (await store.create('gen-a', request)).append({event: 'lost', state: 'lost'})
    await store.close()
    expect(Object.keys(stateFile(folder.path).sessions)).toEqual(['sess1'])
  })

  test('drops what it had of a session whose history was removed since', async () => {
    await using folder = temporaryFolder()
    const writer = open(folder.path)
    const session = await writer.create('gen-a', request)
    await writer.close()
    // As another process prunes it, whose own write of the file came before: the file still has it as active.
    const before = readFileSync(join(folder.path, '.asset-generator-state.json'), 'utf8')
    await session.append({event: 'completed', state: 'completed'})
    const pruner = open(folder.path)
    await pruner.upkeep.remove(['gen-a'])
    writeFileSync(join(folder.path, '.asset-generator-state.json'), before)
    await pruner.close()
    expect(stateFile(folder.path).sessions).toEqual({})
  })

  test.each(['null', '[]', '"x"', '{"x": null}', '{"x": {"start_time": 7}}', '{"x": {}}'])(
    'that has %s for its sessions is written anew',
    async (sessions) => {
      await using folder = temporaryFolder()
      await folder.write('.asset-generator-state.json', `{"sessions": ${sessions}}`)
      const store = open(folder.path)
      await store.create('gen-a', request)
      await store.close()
      expect(Object.keys(stateFile(folder.path).sessions)).toEqual(['gen-a'])
    },
  )

  test('that cannot be written is told once and stops nothing', async () => {
    await using folder = temporaryFolder()
    mkdirSync(join(folder.path, '.asset-generator-state.json'))
    const told: string[] = []
    const store = open(folder.path, {report: (message) => told.push(message)})
    await (await store.create('gen-a', request)).append({event: 'completed', state: 'completed'})
    await store.close()
    expect(told).toHaveLength(1)
    expect(await store.get('gen-a')).toMatchObject({state: 'completed'})
  })

  test('replaces a link at its name, and does not follow it', async () => {
    await using folder = temporaryFolder()
    const victim = await folder.write('victim', 'precious')
    symlinkSync(victim, join(folder.path, '.asset-generator-state.json'))
    const store = open(folder.path)
    await store.create('gen-a', request)
    await store.close()
    expect(readFileSync(victim, 'utf8')).toBe('precious')
    expect(lstatSync(join(folder.path, '.asset-generator-state.json')).isSymbolicLink()).toBe(false)
  })

  test.each([
    [{stateDir: '/w', stateFile: undefined}, '/w', '/w/.asset-generator-state.json'],
    [{stateDir: undefined, stateFile: '/s/state.json'}, '/s', '/s/state.json'],
    [{stateDir: '/w', stateFile: '/s/state.json'}, '/w', '/s/state.json'],
  ])('and the workspace of %j are %s and %s', (flags, stateDir, file) => {
    expect(resolveWorkspace(flags)).toEqual({stateDir, stateFile: file})
  })
})

describe('a snapshot', () => {
  test('is what seed 004 says', async () => {
    await using folder = temporaryFolder()
    const directory = join(folder.path, 'output', 'gen-a')
    const store = open(folder.path)
    const writer = await store.create('gen-a', request, {snapshotDirectory: directory})
    const read = () => JSON.parse(readFileSync(join(directory, 'session_state.json'), 'utf8'))
    expect(read()).toEqual({
      id: 'gen-a',
      status: 'in_progress',
      prompt: 'a hero',
      created_at: '2026-02-14T20:35:00.000Z',
      ag: {v: 1, seq: 1, epoch: 1},
    })
    const picture = {
      path: 'output/gen-a/hero.png',
      sha256: 'a'.repeat(64),
      bytes: 1,
      width: 1,
      height: 1,
      format: 'png',
    }
    await writer.append({event: 'completed', state: 'completed', result: {picture}})
    expect(read()).toMatchObject({
      status: 'completed',
      completed_at: '2026-02-14T20:35:00.000Z',
      result: {success: true, output_path: join(directory, 'hero.png'), session_dir: directory},
    })
  })
})

test('a marker is left by no session that was never made', async () => {
  await using folder = temporaryFolder()
  const store = open(folder.path)
  await store.create('gen-a', request)
  rmSync(join(folder.path, '.ag', 'sessions'), {recursive: true})
  writeFileSync(join(folder.path, '.ag', 'sessions'), '')
  await expect(store.create('gen-b', request)).rejects.toMatchObject({name: 'StorageError'})
  expect(existsSync(join(folder.path, '.ag', 'local', 'active', 'gen-b'))).toBe(false)
})

test('tidying removes what processes noted that are gone, also when nothing else is known of them', async () => {
  await using folder = temporaryFolder()
  const store = open(folder.path)
  const attendance = await store.runs.join('run1', 'http://x')
  await attendance.keepCredential({server: 'http://x', secret: 's3cr3t'})
  const local = join(folder.path, '.ag', 'local')
  const notes = ['private', 'runs', 'cancel'].flatMap((name) => [
    join(local, name, 'run1.o-0000000000000000.json'),
    join(local, name, '7.o-1111111111111111'),
  ])
  for (const note of notes) writeFileSync(note, '{}')
  expect(await store.upkeep.tidy()).toBe(notes.length)
  expect(notes.filter((note) => existsSync(note))).toEqual([])
  expect(await open(folder.path).runs.attendants()).toMatchObject([{run: 'run1'}])
  expect((await store.runs.credentials('run1')).size).toBe(1)
})
