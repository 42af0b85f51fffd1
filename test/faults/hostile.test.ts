import {execFileSync} from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {SessionExistsError} from '../../src/errors.ts'
import {pruneHistory} from '../../src/history/prune.ts'
import {verifyHistory} from '../../src/history/verify.ts'
import {recover} from '../../src/recover.ts'
import {status} from '../../src/status.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'
import {type Rehearsal, rehearse} from '../support/context.ts'
import {orphan} from '../support/orphan.ts'
import {recoverOptions} from '../support/recover-options.ts'

const manifest = `
defaults: {model: mock/sdxl-base, steps: 2, width: 64, height: 64}
assets: [{id: sun, prompt: a sun}, {id: moon, prompt: a moon}]
`
const request = {run: 'r1', asset: 'a', prompt: 'p', parameters: {}, output: 'a.png', server: ''}

/** The same workspace, opened anew as the next process does. */
function reopened(at: Rehearsal): Rehearsal['context'] {
  const place = resolveWorkspace({stateDir: at.folder, stateFile: undefined})
  return {...at.context, sessions: openWorkspace({...place, clock: at.context.clock, command: 'test'})}
}

/** What was planted may be in the way; that is said by name, and is not a crash. */
function onlyStorageErrors(error: Error): void {
  expect({name: error.name, message: error.message}).toEqual({name: 'StorageError', message: expect.any(String)})
}

/** Names that are opened, read or written by everything ag does; an attacker's cache could hold anything there. */
const PLACES = [
  '.asset-generator-state.json',
  '.ag/.gitignore',
  '.ag/local/settled',
  '.ag/local/locks/view.lock',
  '.ag/local/locks/claim.lock',
  '.ag/local/private/dead1.o-0000000000000000.json',
  '.ag/local/runs/1.o-0000000000000000.json',
  '.ag/local/runs/1.o-0000000000000000.cancel',
  '.ag/local/cancel/gen-dead1-sun.o-0000000000000000',
  '.ag/local/owners/o-0000000000000000.json',
  '.ag/local/active/gen-x-planted',
  '.ag/sessions/gen-x-planted.jsonl',
  'output/gen-x-planted/session_state.json',
  'output/gen-x-planted',
]

const PLANTS: Readonly<Record<string, (path: string, victim: string) => void>> = {
  'a link to a file': (path, victim) => symlinkSync(victim, path),
  'a link to a folder': (path, victim) => symlinkSync(dirname(victim), path),
  'a link that leads nowhere': (path) => symlinkSync('/nowhere/at/all', path),
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'a folder': (path) => mkdirSync(path),
}

describe('a workspace in which something was planted', () => {
  test.each(Object.keys(PLANTS))(
    '%s, at any name: nothing hangs, nothing outside is touched',
    async (what) => {
      for (const place of PLACES) {
        await using at = await rehearse()
        const victim = await at.write('outside/precious.txt', 'precious')
        await orphan(at, manifest, {asset: 'sun', phase: 'ack', finished: true})
        await at.sessions.close()
        const path = join(at.folder, place)
        rmSync(path, {recursive: true, force: true})
        mkdirSync(dirname(path), {recursive: true})
        PLANTS[what]?.(path, victim)
        const context = reopened(at)
        await status(context)
        await recover(context, recoverOptions(at.folder)).catch(onlyStorageErrors)
        await verifyHistory(context, at.folder)
        await pruneHistory(context, {olderThanMs: 0, keep: 0, dryRun: false}).catch(onlyStorageErrors)
        await context.sessions.close()
        expect({place, content: readFileSync(victim, 'utf8')}).toEqual({place, content: 'precious'})
        expect(statSync(dirname(victim)).isDirectory()).toBe(true)
      }
    },
    60_000,
  )

  test.each(['.ag', '.ag/sessions', '.ag/local'])(
    '%s as a link is refused, and nothing goes through it',
    async (name) => {
      await using at = await rehearse()
      const outside = dirname(await at.write('outside/precious.txt', 'precious'))
      mkdirSync(dirname(join(at.folder, name)), {recursive: true})
      symlinkSync(outside, join(at.folder, name))
      await expect(at.sessions.create('gen-r1-a', request)).rejects.toThrow(/symbolic link/)
      expect(existsSync(join(outside, 'gen-r1-a.jsonl'))).toBe(false)
      expect(existsSync(join(outside, 'sessions', 'gen-r1-a.jsonl'))).toBe(false)
    },
  )
})

describe('a history with a line of 1 GB', () => {
  test('is read in no time, and what was good of it is saved', async () => {
    await using at = await rehearse()
    const id = await orphan(at, manifest, {asset: 'sun', phase: 'none'})
    const path = join(at.folder, '.ag', 'sessions', `${id}.jsonl`)
    // A hole in the file: no disk is filled, and what is read of it are zeros without a line break.
    truncateSync(path, 2 ** 30)
    expect(await at.sessions.get(id)).toBeUndefined()
    expect(await recover(at.context, recoverOptions(at.folder))).toMatchObject({
      sessions: [
        {session: id, row: 14},
        {session: id, state: 'failed', reason: 'never_submitted'},
      ],
    })
    expect(statSync(path).size).toBeLessThan(10_000)
  }, 60_000)
})

describe('a clock that jumps', () => {
  const YEARS = 365 * 86_400_000

  test.each([
    ['back to 1970', -56 * YEARS],
    ['a day back', -86_400_000],
    ['an hour on', 3_600_000],
    ['on to 2038', 12 * YEARS],
  ])('%s takes no session from a live process, and no line from a history', async (_what, ms) => {
    await using at = await rehearse()
    let jump = 0
    const clock = {...at.context.clock, now: () => Date.now() + jump}
    const place = resolveWorkspace({stateDir: at.folder, stateFile: undefined})
    const sessions = openWorkspace({...place, clock, command: 'test'})
    const writer = await sessions.create('gen-r1-a', request)
    await writer.append({event: 'intent', state: 'starting'})
    jump = ms
    // As another process sees it: the owner is not itself, and its clock is the one that jumped, too.
    const context = {...at.context, clock}
    expect(await recover(context, recoverOptions(at.folder))).toMatchObject({
      sessions: [{state: 'live', outcome: 'open'}],
    })
    expect(await pruneHistory(context, {olderThanMs: 0, keep: 0, dryRun: false})).toMatchObject({removed: []})
    await writer.append({event: 'completed', state: 'completed', progress: 1})
    expect(await sessions.get('gen-r1-a')).toMatchObject({state: 'completed', seq: 3})
    await sessions.close()
  })

  test('back does not make what is unsure given up, nor forth what is completed anything else', async () => {
    await using at = await rehearse({
      users: [{name: 'guest', role: 'user'}],
      foreign: {waiting_gens: 1, live_gens: 1},
    })
    await orphan(at, manifest, {asset: 'sun', phase: 'intent'})
    await using guest = await at.elsewhere({userId: 'guest'})
    const clock = {...guest.context.clock, now: () => Date.now() - 10 * YEARS}
    expect(await recover({...guest.context, clock}, recoverOptions(guest.folder))).toMatchObject({
      sessions: [{state: 'unverified'}],
    })
  })
})

test('a marker whose maker died before its history does not keep the id', async () => {
  await using at = await rehearse()
  await orphan(at, manifest, {asset: 'sun', phase: 'none', run: 'other'})
  const marker = join(at.folder, '.ag', 'local', 'active', 'gen-r1-a')
  writeFileSync(marker, '')
  // A moment ago its maker may be about to write the first line.
  await expect(at.sessions.create('gen-r1-a', request)).rejects.toThrow(SessionExistsError)
  expect(existsSync(marker)).toBe(true)
  utimesSync(marker, 0, Date.now() / 1000 - 60)
  const writer = await at.sessions.create('gen-r1-a', request)
  await writer.append({event: 'failed', state: 'failed'})
  expect(await at.sessions.get('gen-r1-a')).toMatchObject({state: 'failed'})
  expect(existsSync(marker)).toBe(false)
})

test('recover removes what dead processes left behind', async () => {
  await using at = await rehearse()
  const id = await orphan(at, manifest, {asset: 'sun', phase: 'none'})
  const local = join(at.folder, '.ag', 'local')
  await recover(at.context, recoverOptions(at.folder))
  expect(existsSync(join(local, 'active', id))).toBe(false)
  const identities = execFileSync('ls', [join(local, 'owners')], {encoding: 'utf8'}).split('\n')
  const cmds = identities
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(local, 'owners', name), 'utf8')).cmd)
  expect(cmds).toEqual(['test'])
  expect(basename(id)).toBe(id)
  unlinkSync(join(at.folder, 'ag.yaml'))
})
