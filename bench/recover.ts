import {randomUUID} from 'node:crypto'
import {cpSync, mkdirSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {execa} from 'execa'
import {declareAssets} from '../src/asset/declare.ts'
import {systemClock} from '../src/clock.ts'
import {eachOf} from '../src/each-of.ts'
import {generate} from '../src/generate.ts'
import {recover} from '../src/recover.ts'
import {startMock} from '../src/server/mock/start.ts'
import {SwarmServer} from '../src/server/swarmui/client.ts'
import {openWorkspace, resolveWorkspace} from '../src/store/workspace.ts'
import {writePicture} from '../src/write-picture.ts'
import {temporaryFolder} from '../test/support/folder.ts'
import {type BenchLine, median, timed} from './line.ts'

const bin = new URL('../bin/ag.js', import.meta.url).pathname
const INSTANT = {step_ms: 0, model_load_ms: 0, steps: 1} as const
const signal = new AbortController().signal

/** Lost sessions whose pictures the server has, recovered; beside fetching the same pictures into files. */
export async function benchRecover(count = 1000, concurrency = 16): Promise<readonly BenchLine[]> {
  await using mock = await startMock({...INSTANT, pictures: 'plain'})
  const server = new SwarmServer(mock.url)
  const settings = {model: 'mock/sdxl-base', width: 128, height: 128, steps: 1, seed: 7}
  const parameters = {prompt: 'x', ...settings}
  const items = Array.from({length: count}, (_, n) => `a${n}`)
  await eachOf(items, concurrency, async (item) => {
    await server.generate({parameters, tag: {run: 'r', item}}, {signal})
  })
  await using template = temporaryFolder()
  const dead = openWorkspace({...place(template.path), clock: systemClock, command: 'dead'})
  for (const item of items) {
    const request = {run: 'r', asset: item, prompt: 'x', parameters, output: `assets/${item}.png`, server: mock.url}
    const writer = await dead.create(`gen-r-${item}`, request)
    const submission = {kind: 'swarmui', phase: 'ack', handle: `ag/r/${item}`} as const
    await writer.append({event: 'submitted', state: 'generating', submission})
  }
  await dead.close()
  const refs = await server.findPictures(
    'r',
    items.map((item) => ({item})),
    signal,
  )
  const ratios: number[] = []
  const ofGenerate: number[] = []
  for (let round = 0; round < 3; round++) {
    await using folder = temporaryFolder()
    cpSync(join(template.path, '.ag', 'sessions'), join(folder.path, '.ag', 'sessions'), {recursive: true})
    const plain = await timed(() =>
      eachOf(refs, concurrency, async ([item, {ref}]) => {
        await writePicture(join(folder.path, 'plain', `${item}.png`), await server.download(ref, signal))
      }),
    )
    const sessions = openWorkspace({...place(folder.path), clock: systemClock, command: 'bench'})
    const context = {server, sessions, clock: systemClock, signal, report: () => {}}
    const outputDirectory = join(folder.path, 'assets')
    const declared = new Map(
      items.flatMap((id) =>
        declareAssets({id, group: '', prompt: 'x', settings, outputDirectory}).map((asset) => [id, asset] as const),
      ),
    )
    const places = {workspace: folder.path, sessionsOutput: join(folder.path, 'output'), outputDirectory, declared}
    const how = {giveUpAfterMs: 1, force: false, retries: 0, retryDelayMs: 1}
    const ours = await timed(async () => {
      await recover(context, {places, ...how, apply: true, sessions: [], concurrency})
      await sessions.close()
    })
    ratios.push(plain / ours)
    const run = {run: `g${round}`, resume: 'never', assets: [...declared.values()], workspace: folder.path} as const
    const rules = {failFast: false, retries: 0, overwrite: true, allowFuzzyModel: false}
    const made = {...context, sessions: openWorkspace({...place(folder.path), clock: systemClock, command: 'bench'})}
    const generated = await timed(async () => {
      await generate(made, {...run, ...rules, outputDirectory, concurrency})
      await made.sessions.close()
    })
    ofGenerate.push(generated / ours)
  }
  await server.close()
  const line = (than: string, value: number): BenchLine => ({
    name: `${count} finished pictures recovered, ${concurrency} at a time, vs ${than}`,
    value,
    unit: 'of the rate',
    aim: 'at least 0.4',
    met: value >= 0.4,
  })
  return [
    line('fetching them into files without histories', median(ratios)),
    line('generate, which has to fetch them, too', median(ofGenerate)),
  ]
}

/** The whole process over a tree of other generators' sessions, beside `find` over the same tree. */
export async function benchScan(count = 10_000): Promise<readonly BenchLine[]> {
  await using folder = temporaryFolder()
  for (let n = 0; n < count; n++) {
    const id = randomUUID()
    const path = join(folder.path, 'output', id)
    mkdirSync(path, {recursive: true})
    writeFileSync(join(path, 'concept.md'), 'an idea')
    writeFileSync(join(path, 'render.png'), 'x'.repeat(2000))
    writeFileSync(join(path, 'scene.blend'), 'BLENDER')
    writeFileSync(join(path, 'session_state.json'), JSON.stringify({id, status: 'completed', prompt: 'a logo'}))
  }
  const ours = () => execa(process.execPath, [bin, 'recover'], {cwd: folder.path})
  const find = (...words: string[]) => execa('find', ['output', ...words], {cwd: folder.path, stdout: 'ignore'})
  const compare = async (name: string): Promise<BenchLine[]> => {
    const [toFacts, toNames]: [number[], number[]] = [[], []]
    for (let round = 0; round < 7; round++) {
      const time = await timed(ours)
      toFacts.push(time / (await timed(() => find('-printf', '%s %T@ %p\n'))))
      toNames.push(time / (await timed(() => find())))
    }
    const line = (than: string, value: number): BenchLine => ({
      name: `ag recover over ${count} sessions of 4 files, ${name}, vs ${than}`,
      value,
      unit: 'times',
      aim: 'at most 1.3',
      met: value <= 1.3,
    })
    return [line('find with sizes and times', median(toFacts)), line('find of names alone', median(toNames))]
  }
  const first = await compare('seen for the first time')
  await execa(process.execPath, [bin, 'recover', '--apply', '--quiet'], {cwd: folder.path})
  const again = await compare('known already')
  rmSync(join(folder.path, 'output'), {recursive: true})
  return [...first, ...again]
}

function place(stateDir: string) {
  return resolveWorkspace({stateDir, stateFile: undefined})
}
