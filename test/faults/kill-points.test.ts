import {existsSync, readdirSync} from 'node:fs'
import {availableParallelism} from 'node:os'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {systemClock} from '../../src/clock.ts'
import {eachOf} from '../../src/each-of.ts'
import {verifyHistory} from '../../src/history/verify.ts'
import {startMock} from '../../src/server/mock/start.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'
import {INSTANT} from '../support/context.ts'
import {digests} from '../support/digests.ts'
import {temporaryFolder} from '../support/folder.ts'
import {ASSETS, type Fault, faultyGenerate, generateAgain, MANIFEST, restoreHistories} from './faulty-generate.ts'
import {LARGE} from './size.ts'

const ERRORS = ['ENOSPC', 'EROFS', 'EACCES', 'EIO', 'short'] as const

/** An undisturbed run: its files, and how many calls to the file system it takes. */
async function undisturbed(fault?: Fault): Promise<{files: Record<string, string>; calls: readonly string[]}> {
  await using folder = temporaryFolder()
  await using mock = await startMock(INSTANT)
  await folder.write('ag.yaml', MANIFEST)
  const {exitCode, calls} = await faultyGenerate(folder.path, mock.url, fault)
  expect(exitCode).toBe(0)
  return {files: digests(join(folder.path, 'assets')), calls}
}

interface Aftermath {
  readonly fault: Fault
  readonly where: 'here' | 'another machine'
  /** What was not as it should be; empty is good. */
  readonly wrong: readonly string[]
}

/**
 * Runs `ag generate` with a fault in it, then again without, here or on another machine with only the histories: the files must
 * be those of an undisturbed run, and the server must have been asked for each picture once.
 */
async function strike(fault: Fault, where: Aftermath['where'], files: Record<string, string>): Promise<Aftermath> {
  await using folder = temporaryFolder()
  await using other = temporaryFolder()
  await using mock = await startMock(INSTANT)
  await folder.write('ag.yaml', MANIFEST)
  await other.write('ag.yaml', MANIFEST)
  const first = await faultyGenerate(folder.path, mock.url, fault)
  const wrong: string[] = []
  if (fault.do === 'kill' && !first.killed) wrong.push(`was not killed: ${first.stderr}`)
  if (/This should not happen|\bat .*:\d+:\d+/.test(first.stderr)) wrong.push(`crashed: ${first.stderr}`)
  for (const [name, digest] of Object.entries(digests(join(folder.path, 'assets')))) {
    // A dead process leaves its temporary file under a hidden name; nothing half-written has the name of a picture.
    if (!name.startsWith('.') && files[name] !== digest) wrong.push(`left ${name} half-written`)
    if (name.startsWith('.') && fault.do !== 'kill') wrong.push(`left ${name} behind`)
  }
  if (first.exitCode === 0 && (await isDamaged(folder.path))) wrong.push('lost lines and did not say so')
  if (where === 'another machine') await restoreHistories(folder.path, other.path)
  const next = where === 'here' ? folder.path : other.path
  const second = await generateAgain(next, mock.url)
  if (second.exit_code !== 0) wrong.push(`the second run did not make everything: ${JSON.stringify(second)}`)
  const visible = Object.entries(digests(join(next, 'assets'))).filter(([name]) => !name.startsWith('.'))
  if (JSON.stringify(visible) !== JSON.stringify(Object.entries(files))) wrong.push('ended with other files')
  const state = (await fetch(`${mock.url}/Mock/State`).then((answer) => answer.json())) as {generations: number}
  if (state.generations !== ASSETS) wrong.push(`asked for ${state.generations} pictures`)
  const active = join(next, '.ag', 'local', 'active')
  const left = existsSync(active) ? readdirSync(active) : []
  if (left.length > 0 && where === 'another machine') wrong.push(`left markers: ${left}`)
  return {fault, where, wrong}
}

/** Whether a line that was acknowledged is not in its history. */
async function isDamaged(stateDir: string): Promise<boolean> {
  const place = resolveWorkspace({stateDir, stateFile: undefined})
  const sessions = openWorkspace({...place, clock: systemClock, command: 'test', readOnly: true})
  return (await verifyHistory({sessions}, stateDir)).findings.some(({kind}) => kind === 'damage')
}

async function strikeAll(faults: readonly (readonly [Fault, Aftermath['where']])[]): Promise<Aftermath[]> {
  const {files} = await baseline
  const bad: Aftermath[] = []
  await eachOf(faults, Math.max(2, availableParallelism()), async ([fault, where]) => {
    const aftermath = await strike(fault, where, files)
    if (aftermath.wrong.length > 0) bad.push(aftermath)
  })
  return bad
}

const baseline = undisturbed()

describe('ag generate, run again after its first run', () => {
  test('was killed before any one of its calls to the file system', async () => {
    const {calls} = await baseline
    expect(calls.length).toBeGreaterThan(40)
    const points = calls.map((_, at): Fault => ({at: at + 1, do: 'kill'}))
    // At its small size each point is struck in one of the two places, at its large one in both.
    const faults = points.flatMap((fault, index) => {
      const both = [
        [fault, 'here'],
        [fault, 'another machine'],
      ] as const
      return LARGE ? both : [both[(index + 1) % 2] ?? both[0]]
    })
    expect(await strikeAll(faults)).toEqual([])
  }, 600_000)

  test('had any one of its calls to the file system fail, or write only half', async () => {
    const {calls} = await baseline
    const faults = calls.flatMap((name, index): (readonly [Fault, Aftermath['where']])[] => {
      const at = index + 1
      const all = ERRORS.map((error): readonly [Fault, 'here'] => [{at, do: error}, 'here'])
      if (LARGE) return all
      // At its small size every write is cut short, and of the other calls every second one fails, each in its way.
      if (name === 'writeSync') return [[{at, do: 'short'}, 'here']]
      return at % 2 === 0 ? all.slice(at % all.length, (at % all.length) + 1) : []
    })
    expect(await strikeAll(faults)).toEqual([])
  }, 900_000)

  test('had any one of its writes cut short where files have one name only', async () => {
    const {calls} = await undisturbed({no_links: true})
    const writes = calls.flatMap((name, index) => (name === 'writeSync' ? [index + 1] : []))
    const faults = writes.map((at): readonly [Fault, 'here'] => [{at, do: 'short', no_links: true}, 'here'])
    expect(await strikeAll(faults)).toEqual([])
  }, 600_000)

  test('had a disk that took nothing more from some point on', async () => {
    const {calls} = await baseline
    const step = LARGE ? 1 : 9
    const points = Array.from({length: Math.ceil(calls.length / step)}, (_, n) => n * step + 1)
    const faults = points.map((at): readonly [Fault, 'here'] => [{at, do: 'ENOSPC', for_ever: true}, 'here'])
    expect(await strikeAll(faults)).toEqual([])
  }, 600_000)
})
