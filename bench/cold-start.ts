import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {execa} from 'execa'
import {startMock} from '../src/server/mock/start.ts'
import {formatLine} from '../src/session/history-line.ts'
import {advance, newSession} from '../src/session/replay.ts'
import {temporaryFolder} from '../test/support/folder.ts'
import {type BenchLine, median, timed} from './line.ts'

const bin = new URL('../bin/ag.js', import.meta.url).pathname
const ROUNDS = 15

/** Whole processes beside `node -e 0`, in turn: help, status, and status over many settled sessions. */
export async function benchColdStart(): Promise<readonly BenchLine[]> {
  await using mock = await startMock({step_ms: 0})
  await using empty = temporaryFolder()
  await using full = temporaryFolder()
  writeSessions(full.path, 10_000, 20)
  const help = await ratio(['--help'], empty.path, mock.url)
  const status = await ratio(['status'], empty.path, mock.url)
  const large = await ratio(['status'], full.path, mock.url)
  return [
    {name: 'ag --help vs node -e 0', value: help, unit: 'times', aim: 'below 2.5', met: help < 2.5},
    {name: 'ag status vs node -e 0', value: status, unit: 'times', aim: 'below 2.5', met: status < 2.5},
    {
      name: 'ag status over 10,000 sessions, 20 active, vs node -e 0',
      value: large,
      unit: 'times',
      aim: 'below 2.5',
      met: large < 2.5,
    },
    {
      name: 'ag status over 10,000 sessions vs over none',
      value: large / status,
      unit: 'times',
      aim: 'for comparison',
      met: true,
    },
  ]
}

async function ratio(args: readonly string[], cwd: string, server: string): Promise<number> {
  const env = {AG_SERVER: server, XDG_CACHE_HOME: cwd}
  const ours = () => execa(process.execPath, [bin, ...args], {cwd, env})
  const bare = () => execa(process.execPath, ['-e', '0'], {cwd})
  await ours()
  await bare()
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round++) ratios.push((await timed(ours)) / (await timed(bare)))
  return median(ratios)
}

/** A workspace as many runs leave it: settled sessions that the index knows, and some of a process that is gone. */
function writeSessions(root: string, count: number, active: number): void {
  const sessions = join(root, '.ag', 'sessions')
  const local = join(root, '.ag', 'local')
  mkdirSync(sessions, {recursive: true})
  mkdirSync(join(local, 'active'), {recursive: true})
  const settled: string[] = []
  for (let n = 0; n < count; n++) {
    const id = `gen-r-${n}`
    const at = new Date().toISOString()
    const created = newSession(id, {asset: `a${n}`, run: 'r', owner: 'o-0123456789abcdef', at})
    const last = advance(
      created,
      n < active ? {event: 'submitted', state: 'generating'} : {event: 'completed', state: 'completed'},
      at,
    )
    writeFileSync(join(sessions, `${id}.jsonl`), Buffer.concat([formatLine('created', created), formatLine('x', last)]))
    if (n >= active) settled.push(id)
    else writeFileSync(join(local, 'active', id), '')
  }
  writeFileSync(join(local, 'settled'), `${settled.join('\n')}\n`)
}
