import {closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {execa} from 'execa'
import {systemClock} from '../src/clock.ts'
import {openWorkspace, resolveWorkspace} from '../src/store/workspace.ts'
import {temporaryFolder} from '../test/support/folder.ts'
import {type BenchLine, median} from './line.ts'

const request = {run: 'r', asset: 'a', prompt: 'p', parameters: {}, output: 'a.png', server: 'http://localhost'}
const program = new URL('../test/support/programs/write-sessions.ts', import.meta.url).pathname

/** Appending to a history beside rewriting the seeds' state file of 1,000 sessions, in turn, unsynced and synced. */
export async function benchAppend(): Promise<readonly BenchLine[]> {
  await using folder = temporaryFolder()
  const sessions = Object.fromEntries(
    Array.from({length: 1000}, (_, n) => [
      `gen-${n}`,
      {
        id: `gen-${n}`,
        status: 'generating',
        progress: 0.5,
        start_time: new Date().toISOString(),
        updated_at: new Date().toISOString(),
      },
    ]),
  )
  const rewrite = (sync: boolean) => {
    const temporary = join(folder.path, 'state.json.tmp')
    writeFileSync(temporary, JSON.stringify({sessions, updated_at: new Date().toISOString()}, null, 2))
    if (sync) {
      const fd = openSync(temporary, 'r')
      fsyncSync(fd)
      closeSync(fd)
    }
    renameSync(temporary, join(folder.path, 'state.json'))
  }
  let monotonic = 0
  const clock = {...systemClock, monotonic: () => (monotonic += 1000)}
  const store = openWorkspace({
    ...resolveWorkspace({stateDir: folder.path, stateFile: undefined}),
    clock,
    command: 'bench',
  })
  const writer = await store.create('gen-a', request)
  const each = async (count: number, run: (n: number) => unknown) => {
    const started = performance.now()
    for (let n = 0; n < count; n++) await run(n)
    return (performance.now() - started) / count
  }
  const ratios: number[] = []
  const syncedRatios: number[] = []
  for (let round = 0; round < 9; round++) {
    const append = await each(500, (n) =>
      writer.append({event: 'progress', state: 'generating', progress: (n % 50) / 50}),
    )
    ratios.push((await each(30, () => rewrite(false))) / append)
    const transition = await each(20, () => writer.append({event: 'submitted', state: 'generating'}))
    syncedRatios.push((await each(20, () => rewrite(true))) / transition)
  }
  await store.close()
  const ratio = median(ratios)
  return [
    {
      name: 'progress append vs whole-file rewrite of 1,000 sessions, neither synced',
      value: ratio,
      unit: 'times the rate',
      aim: 'at least 200',
      met: ratio >= 200,
    },
    {
      name: 'synced transition vs the same rewrite synced',
      value: median(syncedRatios),
      unit: 'times the rate',
      aim: 'for comparison',
      met: true,
    },
  ]
}

/** Sixteen processes on one workspace for ten seconds, with a reader of the state file as fast as it can. */
export async function benchRace(ms = 10_000): Promise<readonly BenchLine[]> {
  await using folder = temporaryFolder()
  const stateFile = join(folder.path, '.asset-generator-state.json')
  let stop = false
  let reads = 0
  let unreadable = 0
  const reading = (async () => {
    while (!stop) {
      try {
        JSON.parse(readFileSync(stateFile, 'utf8'))
        reads++
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') unreadable++
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const names = Array.from({length: 16}, (_, n) => `p${n}`)
  const children = await Promise.all(
    names.map((name) => execa(process.execPath, ['--no-warnings', program, folder.path, name, String(ms)])),
  )
  stop = true
  await reading
  const store = openWorkspace({
    ...resolveWorkspace({stateDir: folder.path, stateFile: undefined}),
    clock: systemClock,
    command: 'bench',
    readOnly: true,
  })
  const sessions = new Map((await store.list({active: false})).map((session) => [session.id, session]))
  let acknowledged = 0
  let lost = 0
  for (const {stdout} of children) {
    for (const line of stdout.split('\n')) {
      const [id = '', seq] = line.split(' ')
      acknowledged++
      if ((sessions.get(id)?.seq ?? 0) < Number(seq)) lost++
    }
  }
  const shown = new Set(Object.keys(JSON.parse(readFileSync(stateFile, 'utf8')).sessions))
  const active = [...sessions.values()].filter(({state}) => state !== 'completed').map(({id}) => id)
  const missing = active.filter((id) => !shown.has(id)).length
  const resurrected = [...shown].filter((id) => !active.includes(id)).length
  const none = (name: string, value: number): BenchLine => ({name, value, unit: '', aim: '0', met: value === 0})
  return [
    {
      name: '16 processes, updates acknowledged',
      value: acknowledged,
      unit: 'updates',
      aim: 'many',
      met: acknowledged > 1000,
    },
    none('16 processes, updates lost', lost),
    none('16 processes, sessions missing in the state file', missing),
    none('16 processes, sessions resurrected in the state file', resurrected),
    none(`16 processes, unreadable state files in ${reads} reads`, unreadable),
  ]
}
