import {createHash} from 'node:crypto'
import {once} from 'node:events'
import {writeFileSync} from 'node:fs'
import {Agent, request as httpRequest} from 'node:http'
import {join} from 'node:path'
import {execa} from 'execa'
import {startMock} from '../src/server/mock/start.ts'
import {SwarmServer} from '../src/server/swarmui/client.ts'
import {temporaryFolder} from '../test/support/folder.ts'
import {type BenchLine, median, timed} from './line.ts'

const bin = new URL('../bin/ag.js', import.meta.url).pathname
const INSTANT = {step_ms: 0, model_load_ms: 0, steps: 1, pictures: 'plain'} as const
const never = new AbortController().signal

function manifest(count: number): string {
  const assets = Array.from({length: count}, (_, n) => `  - {id: a${n}, prompt: picture ${n}}`)
  return `defaults: {model: mock/sdxl-base, width: 64, height: 64, steps: 1}\nassets:\n${assets.join('\n')}\n`
}

/** From the last picture received to the end of the process, beside waiting for the server's close. */
export async function benchExit(): Promise<readonly BenchLine[]> {
  const ratios: number[] = []
  for (let round = 0; round < 5; round++) {
    await using mock = await startMock({...INSTANT, grace_ms: 2000})
    await using folder = temporaryFolder()
    await folder.write('ag.yaml', manifest(1))
    const child = execa(process.execPath, [bin, 'generate', '--events', '--server', mock.url], {cwd: folder.path})
    let received = 0
    child.stdout?.on('data', (bytes) => {
      if (String(bytes).includes('asset.completed')) received = performance.now()
    })
    await child
    const exit = performance.now() - received
    const socket = new (await import('ws')).WebSocket(`${mock.url.replace('http', 'ws')}/API/GenerateText2ImageWS`)
    const session = (await fetch(`${mock.url}/API/GetNewSession`, {
      method: 'POST',
      headers: {'content-type': 'application/json'},
      body: '{}',
    }).then((answer) => answer.json())) as {session_id: string}
    if (socket.readyState !== socket.OPEN) await once(socket, 'open')
    let pictured = 0
    socket.on('message', (bytes) => {
      if (String(bytes).includes('"image"')) pictured = performance.now()
    })
    socket.send(
      JSON.stringify({
        session_id: session.session_id,
        images: 1,
        prompt: 'x',
        model: 'mock/sdxl-base',
        steps: 1,
        width: 64,
        height: 64,
      }),
    )
    await once(socket, 'close')
    ratios.push(exit / (performance.now() - pictured))
  }
  const ratio = median(ratios)
  return [
    {
      name: 'last picture received to process exit vs waiting for the close',
      value: ratio,
      unit: 'of the time',
      aim: 'under 0.02',
      met: ratio < 0.02,
    },
  ]
}

/** 200 small pictures by the whole command, beside curl and jq one by one against the same server. */
export async function benchPictures(count = 200): Promise<readonly BenchLine[]> {
  await using mock = await startMock(INSTANT)
  await using folder = temporaryFolder()
  await folder.write('ag.yaml', manifest(count))
  const script = `
    set -e
    session=$(curl -s -H 'content-type: application/json' -d '{}' "$URL/API/GetNewSession" | "$JQ" -r .session_id)
    for n in $(seq 1 ${count}); do
      ref=$(curl -s -H 'content-type: application/json' -d "{\\"session_id\\":\\"$session\\",\\"images\\":1,\\"prompt\\":\\"picture $n\\",\\"model\\":\\"mock/sdxl-base\\",\\"steps\\":1,\\"width\\":64,\\"height\\":64,\\"overrideoutpathformat\\":\\"c/$n\\"}" "$URL/API/GenerateText2Image" | "$JQ" -r '.images[0]')
      curl -s -o "curl-$n.png" "$URL/$ref"
    done`
  const jq = (await execa('sh', ['-c', 'command -v jq'], {reject: false})).stdout.trim()
  if (jq === '') throw new Error('This benchmark needs jq and curl.')
  const ours = await timed(() =>
    execa(process.execPath, [bin, 'generate', '--quiet', '--concurrency', '8', '--server', mock.url], {
      cwd: folder.path,
    }),
  )
  const theirs = await timed(() => execa('bash', ['-c', script], {cwd: folder.path, env: {URL: mock.url, JQ: jq}}))
  const ratio = theirs / ours
  return [
    {
      name: `${count} small pictures, whole command vs curl and jq one by one (${((count / ours) * 1000).toFixed(0)}/s vs ${((count / theirs) * 1000).toFixed(0)}/s)`,
      value: ratio,
      unit: 'times the rate',
      aim: 'at least 4',
      met: ratio >= 4,
    },
  ]
}

/** The download path, 64 at a time, beside a loop over raw keep-alive sockets. */
export async function benchDownload(count = 2000): Promise<readonly BenchLine[]> {
  await using mock = await startMock({...INSTANT, pictures: 'scenes'})
  const server = new SwarmServer(mock.url)
  const {ref} = await server.generate(
    {parameters: {prompt: 'x', model: 'mock/sdxl-base', width: 128, height: 128, steps: 1}, tag: {run: 'r', item: 'a'}},
    {signal: never},
  )
  const agent = new Agent({keepAlive: true, maxSockets: 64})
  const raw = () =>
    new Promise<void>((resolve, reject) => {
      const outgoing = httpRequest(`${mock.url}/${ref}`, {agent}, (incoming) => {
        incoming.on('end', resolve).resume()
      })
      outgoing.on('error', reject).end()
    })
  const parallel = async (fetchOne: () => Promise<unknown>) => {
    let left = count
    await Promise.all(
      Array.from({length: 64}, async () => {
        while (left-- > 0) await fetchOne()
      }),
    )
  }
  await parallel(raw)
  await parallel(() => server.download(ref, never))
  const ratios: number[] = []
  for (let round = 0; round < 3; round++) {
    const rawMs = await timed(() => parallel(raw))
    ratios.push(rawMs / (await timed(() => parallel(() => server.download(ref, never)))))
  }
  await server.close()
  agent.destroy()
  const ratio = median(ratios)
  return [
    {
      name: 'downloads, 64 at a time, vs a raw keep-alive loop',
      value: ratio,
      unit: 'of the rate',
      aim: 'at least 0.4',
      met: ratio >= 0.4,
    },
  ]
}

/** Peak memory of a run of many pictures beside one of a tenth. The server is another process. */
export async function benchMemory(small = 1000, large = 10_000): Promise<readonly BenchLine[]> {
  await using folder = temporaryFolder()
  const mock = execa(process.execPath, [bin, 'mock', '--port', '0', '--set', JSON.stringify(INSTANT)], {reject: false})
  const url = await new Promise<string>((resolve) =>
    mock.stdout?.once('data', (bytes) => resolve(/http:\S+/.exec(String(bytes))?.[0] ?? '')),
  )
  const peak = async (count: number): Promise<number> => {
    const name = createHash('sha1').update(String(count)).digest('hex').slice(0, 6)
    await folder.write(`${name}/ag.yaml`, manifest(count))
    const probe = join(folder.path, 'probe.mjs')
    writeFileSync(probe, "process.on('exit', () => process.stderr.write('PEAK ' + process.resourceUsage().maxRSS))")
    const {stderr} = await execa(
      process.execPath,
      ['--import', probe, bin, 'generate', '--quiet', '--concurrency', '8', '--server', url],
      {cwd: join(folder.path, name)},
    )
    return Number(/PEAK (\d+)/.exec(stderr)?.[1])
  }
  const [few, many] = [await peak(small), await peak(large)]
  mock.kill('SIGINT')
  await mock
  const ratio = many / few
  return [
    {
      name: `peak memory, ${large} pictures (${(many / 1024).toFixed(0)} MiB) vs ${small} (${(few / 1024).toFixed(0)} MiB)`,
      value: ratio,
      unit: 'times',
      aim: 'under 1.2',
      met: ratio < 1.2,
    },
  ]
}
