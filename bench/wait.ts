import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {setTimeout as delay} from 'node:timers/promises'
import {execa} from 'execa'
import {type MockServer, startMock} from '../src/server/mock/start.ts'
import {temporaryFolder} from '../test/support/folder.ts'
import {type BenchLine, median, timed} from './line.ts'

const ag = new URL('../bin/ag.js', import.meta.url).pathname
const waitOn = new URL('../node_modules/wait-on/bin/wait-on', import.meta.url).pathname
const ROUNDS = 15
/** Looks as often as the server can bear: what a gate without a window is for. */
const QUICK = ['wait-idle', '--quiet', '--stable-for', '0', '--interval', '5ms']

/** A mock server, and beside it an endpoint for general waiters that answers 200 while the mock is free, else 503. */
interface Endpoint extends AsyncDisposable {
  readonly mock: MockServer
  readonly ready: string
  /** Makes the mock and the endpoint free or busy. */
  set(free: boolean): void
  /** Makes only the endpoint so. */
  announce(free: boolean): void
}

/** From a server that becomes free to the exit of who waits for it, its processor time, and what it takes when it is free already. */
export async function benchWait(): Promise<readonly BenchLine[]> {
  await using endpoint = await openEndpoint()
  await using folder = temporaryFolder()
  const ours = [ag, ...QUICK, '--server', endpoint.mock.url]
  const usual = [ag, 'wait-idle', '--quiet', '--stable-for', '0', '--server', endpoint.mock.url]
  const theirs = [waitOn, endpoint.ready]
  const late = {ours: [] as number[], usual: [] as number[], theirs: [] as number[]}
  const cpu = {ours: [] as number[], theirs: [] as number[]}
  const whole = {ours: [] as number[], theirs: [] as number[]}
  for (let round = 0; round < ROUNDS; round++) {
    const busyFor = 1500 + 40 * round
    for (const [name, words] of Object.entries({ours, usual, theirs})) {
      const {lateMs, cpuMs} = await waitUntilFree(endpoint, words, folder.path, busyFor)
      late[name as keyof typeof late].push(lateMs)
      if (name !== 'usual') cpu[name as keyof typeof cpu].push(cpuMs)
    }
    endpoint.set(true)
    whole.ours.push(await timed(() => execa(process.execPath, ours, {cwd: folder.path})))
    whole.theirs.push(await timed(() => execa(process.execPath, theirs, {cwd: folder.path})))
  }
  const lateness = median(late.ours) / median(late.theirs)
  const processor = median(cpu.ours) / median(cpu.theirs)
  const already = median(whole.ours) / median(whole.theirs)
  return [
    {
      name: 'free server to exit vs wait-on',
      value: lateness,
      unit: 'times',
      aim: 'at most 1/7',
      met: lateness <= 1 / 7,
    },
    {
      name: 'the same at the default interval',
      value: median(late.usual) / median(late.theirs),
      unit: 'times',
      aim: 'for comparison',
      met: true,
    },
    {name: 'free server to exit', value: median(late.ours), unit: 'ms', aim: 'for comparison', met: true},
    {name: 'processor time vs wait-on', value: processor, unit: 'times', aim: 'at most 1/2', met: processor <= 1 / 2},
    {
      name: 'already idle, whole process, vs wait-on',
      value: already,
      unit: 'times',
      aim: 'at most 1/4',
      met: already <= 1 / 4,
    },
  ]
}

/** From the end of a generation in the same workspace to the exit of who waits for it. */
export async function benchWaitOwn(): Promise<readonly BenchLine[]> {
  await using endpoint = await openEndpoint()
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(
      await waitForGeneration(endpoint, [
        ag,
        'wait-idle',
        '--quiet',
        '--scope',
        'own',
        '--stable-for',
        '0',
        '--server',
        endpoint.mock.url,
      ]),
    )
    theirs.push(await waitForGeneration(endpoint, [waitOn, endpoint.ready]))
  }
  const ratio = median(ours) / median(theirs)
  return [
    {
      name: 'end of a generation to exit vs wait-on',
      value: ratio,
      unit: 'times',
      aim: 'at most 1/15',
      met: ratio <= 1 / 15,
    },
    {name: 'end of a generation to exit', value: median(ours), unit: 'ms', aim: 'for comparison', met: true},
  ]
}

async function waitUntilFree(
  endpoint: Endpoint,
  words: readonly string[],
  cwd: string,
  busyForMs: number,
): Promise<{lateMs: number; cpuMs: number}> {
  endpoint.set(false)
  const waiting = execa('sh', ['-c', '"$@"; times', 'sh', process.execPath, ...words], {cwd})
  const freed = delay(busyForMs).then(() => {
    endpoint.set(true)
    return performance.now()
  })
  const {stdout} = await waiting
  const lateMs = performance.now() - (await freed)
  return {lateMs, cpuMs: childTimes(stdout.trim().split('\n').at(-1) ?? '')}
}

/** Milliseconds of the second line of `times`: what the children used, user and system. */
function childTimes(line: string): number {
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + (Number(m) * 60 + Number(s)) * 1000, 0)
}

/** Generates one picture of about two seconds while somebody waits; from the settled session to the waiter's exit. */
async function waitForGeneration(endpoint: Endpoint, words: readonly string[]): Promise<number> {
  await using folder = temporaryFolder()
  endpoint.set(true)
  endpoint.mock.control({step_ms: 90})
  const generating = execa(
    process.execPath,
    [ag, 'generate', 'image', '--events', '--prompt', 'x', '--model', 'mock/flux-dev', '--server', endpoint.mock.url],
    {cwd: folder.path},
  )
  let ended = 0
  generating.stdout?.on('data', (chunk) => {
    if (!String(chunk).includes('"asset.completed"')) return
    ended = performance.now()
    endpoint.announce(true)
  })
  await new Promise<void>((resolve) => {
    generating.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('"asset.started"')) resolve()
    })
  })
  endpoint.announce(false)
  const waiting = execa(process.execPath, words, {cwd: folder.path})
  await waiting
  const exited = performance.now()
  await generating
  return exited - ended
}

async function openEndpoint(): Promise<Endpoint> {
  const mock = await startMock({step_ms: 0, model_load_ms: 0})
  let free = true
  const server = createServer((_request, response) => {
    response.statusCode = free ? 200 : 503
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  return {
    mock,
    ready: `http-get://127.0.0.1:${port}/`,
    announce(now) {
      free = now
    },
    set(now) {
      free = now
      mock.control({foreign: {live_gens: now ? 0 : 1, waiting_gens: now ? 0 : 1}})
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      await mock.close()
    },
  }
}
