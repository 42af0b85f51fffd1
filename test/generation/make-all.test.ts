import {readFile, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, test} from '@jest/globals'
import {readManifest} from '../../src/asset/manifest.ts'
import {InterruptedError} from '../../src/errors.ts'
import {generate} from '../../src/generate.ts'
import type {SessionEvent} from '../../src/session/session.ts'
import type {OwnedSession, SessionWriter} from '../../src/store/session-store.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'
import {askToStop} from '../support/ask-to-stop.ts'
import {outputOf, type Rehearsal, rehearse} from '../support/context.ts'
import {killOnPaper, orphan} from '../support/orphan.ts'
import {untilTold} from '../support/until.ts'

const three = `
defaults: {model: mock/sdxl-base, steps: 4, width: 64, height: 64}
assets: [{id: sun, prompt: a sun}, {id: moon, prompt: a moon}, {id: star, prompt: a star}]
`

interface OtherProcess {
  readonly session: string
  readonly writer: SessionWriter
  /** Ends without another word. */
  die(): Promise<void>
}

/** Another process of this machine, which has asked for the sun. */
async function otherProcess(at: Rehearsal): Promise<OtherProcess> {
  const session = await orphan(at, three, {asset: 'sun', phase: 'ack'})
  const place = resolveWorkspace({stateDir: at.folder, stateFile: undefined})
  const sessions = openWorkspace({...place, clock: at.context.clock, command: 'dead'})
  const writer = await sessions.claim(session)
  if (!writer) throw new Error('The orphan was not to be had.')
  const die = async (): Promise<void> => {
    await sessions.close()
    killOnPaper(at.folder)
  }
  return {session, writer, die}
}

function untilItWaits(at: Rehearsal): Promise<void> {
  return untilTold(
    at,
    'notice',
    (event) => event.event === 'notice' && event.message.startsWith('Waiting for a picture'),
  )
}

const failed: SessionEvent = {event: 'failed', state: 'failed', result: {reason: 'failed', error: 'no'}}
const cancelled: SessionEvent = {event: 'cancelled', state: 'cancelled', result: {reason: 'cancelled', error: 'no'}}

test.each([
  ['fails', ({writer}: OtherProcess) => writer.append(failed)],
  ['dies', ({die}: OtherProcess) => die()],
] as const)('what another process makes is waited for, and made here when that one %s', async (_how, end) => {
  await using at = await rehearse()
  const other = await otherProcess(at)
  const result = at.generate(three)
  await untilItWaits(at)
  await end(other)
  expect(await result).toMatchObject({made: 3, exit_code: 0})
  expect(await at.asked()).toBe(3)
  await other.die()
})

test('what was cancelled in another process is not made here', async () => {
  await using at = await rehearse()
  const other = await otherProcess(at)
  const running = at.generate(three)
  await untilItWaits(at)
  await other.writer.append(cancelled)
  const result = await running
  expect(result).toMatchObject({made: 2, pending: 1, exit_code: 6})
  expect(result.assets[0]).toMatchObject({asset: 'sun', error: {reason: 'cancelled_elsewhere'}})
  await other.die()
})

test.each([
  ['by a signal', 'signal'],
  ['by ag cancel', 'cancel'],
] as const)('a wait for another process ends %s, and that one goes on', async (_how, way) => {
  await using at = await rehearse()
  const other = await otherProcess(at)
  const interruption = new AbortController()
  const running = at.generate(three, {run: 'r1', concurrency: 1}, interruption.signal)
  await untilItWaits(at)
  if (way === 'signal') interruption.abort(new InterruptedError('SIGINT'))
  else await askToStop(at.folder, 'r1')
  const result = await running
  expect(result).toMatchObject({made: 2, pending: 1, exit_code: 130})
  expect(result.assets[0]).toMatchObject({asset: 'sun', error: {reason: 'made_elsewhere'}})
  expect(await at.sessions.get(other.session)).toMatchObject({state: 'generating', ownerStanding: 'alive'})
  await other.die()
})

test('two that cannot put in place what they found do not wait for each other', async () => {
  const two = `
defaults: {model: mock/sdxl-base, steps: 4, width: 64, height: 64}
assets: [{id: a, prompt: a sun}, {id: b, prompt: a moon}]
`
  await using at = await rehearse({image_format: 'JPG'})
  await using other = await at.beside()
  for (const asset of ['a', 'b']) {
    await orphan(at, two, {asset, phase: 'ack', finished: true, run: 'old'})
    await at.write(`assets/${asset}.jpg`, 'a drawing of somebody')
  }
  const runs = [at.generate(two, {run: 'r1', concurrency: 1}), other.generate(two, {run: 'r2', concurrency: 1})]
  for (const result of await Promise.all(runs)) expect(result).toMatchObject({exit_code: 6, failed: 2})
  // What they could not take is anybody's: nothing is lost, nor paid for again.
  for (const asset of ['a', 'b']) await rm(outputOf(at, `${asset}.jpg`))
  await using later = await at.beside()
  expect(await later.generate(two)).toMatchObject({adopted: 2, exit_code: 0})
  expect(await at.asked()).toBe(2)
})

test('a process that nobody can ask after is not waited for', async () => {
  await using at = await rehearse()
  const session = await orphan(at, three, {asset: 'sun', phase: 'ack'})
  const asSeen = (known: OwnedSession): OwnedSession =>
    known.id === session ? {...known, ownerStanding: 'unknown'} : known
  const {list, get} = at.sessions
  // As on a network file system.
  Object.assign(at.sessions, {
    list: async (query: {active: boolean}) => (await list.call(at.sessions, query)).map(asSeen),
    get: async (id: string) => {
      const known = await get.call(at.sessions, id)
      return known && asSeen(known)
    },
  })
  const result = await at.generate(three)
  expect(result).toMatchObject({made: 2, pending: 1, exit_code: 6})
  expect(result.assets[0]).toMatchObject({error: {next: expect.stringContaining('--force')}})
})

test('what another process asked for after this one had begun, and died over, is taken from the server', async () => {
  await using at = await rehearse({step_ms: 20})
  const manifest = `
defaults: {model: mock/sdxl-base, steps: 10, width: 64, height: 64}
assets: [{id: moon, prompt: a moon}, {id: sun, prompt: a sun}]
`
  const running = at.generate(manifest, {concurrency: 1})
  await untilTold(at, 'asset.progress')
  await orphan(at, manifest, {asset: 'sun', phase: 'ack', finished: true, run: 'other'})
  expect(await running).toMatchObject({made: 1, adopted: 1, exit_code: 0})
  expect(await at.asked()).toBe(2)
})

test('pays for nothing twice when two are started on the same pictures', async () => {
  await using at = await rehearse({step_ms: 5})
  const many = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => `  - {id: ${id}, prompt: ${id}, model: mock/flux-dev}`)
  const {assets, outputDirectory} = await readManifest(await at.write('ag.yaml', `assets:\n${many.join('\n')}`))
  const place = resolveWorkspace({stateDir: at.folder, stateFile: undefined})
  const {clock} = at.context
  const how = {concurrency: 1, failFast: false, retries: 0, overwrite: false, allowFuzzyModel: false}
  const shared = {...how, resume: 'continue', assets, outputDirectory, workspace: at.folder} as const
  const started = generate(at.context, {...shared, run: 'r1'})
  await untilTold(at, 'asset.progress')
  const sessions = openWorkspace({...place, clock, command: 'other'})
  const second = await generate({...at.context, sessions}, {...shared, run: 'r2'})
  const first = await started
  expect(first.made + second.made).toBe(assets.length)
  expect([first.exit_code, second.exit_code]).toEqual([0, 0])
  expect(await at.asked()).toBe(assets.length)
  await sessions.close()
})

test('a session of another machine that could not be finished here is not left as one of this machine', async () => {
  const one = 'assets: [{id: a, prompt: a sun, model: mock/sdxl-base, width: 64, height: 64}]'
  await using at = await rehearse({image_format: 'JPG'})
  const session = await orphan(at, one, {asset: 'a', phase: 'ack', finished: true, run: 'old'})
  await using other = await at.elsewhere()
  await other.write('assets/a.jpg', 'a drawing of somebody')
  expect(await other.generate(one, {run: 'r1'})).toMatchObject({exit_code: 6})
  await other.sessions.close()
  expect(await other.sessions.get(session)).toMatchObject({state: 'generating', ownerStanding: 'foreign'})
  const view = await readFile(join(other.folder, '.asset-generator-state.json'), 'utf8')
  expect(JSON.parse(view).sessions).toEqual({})
})
