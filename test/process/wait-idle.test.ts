import {readFileSync} from 'node:fs'
import {createServer} from 'node:net'
import {networkInterfaces} from 'node:os'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {startMock} from '../../src/server/mock/start.ts'
import {ag} from '../support/ag.ts'
import {activity, builtWorkspace} from '../support/built-workspace.ts'
import {INSTANT} from '../support/context.ts'
import {until} from '../support/until.ts'

/** The loopback addresses of this machine: a container may have no IPv6. */
const LOOPBACK = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({internal}) => internal)
  .map(({address}) => address)
  .filter((address) => address === '127.0.0.1' || address === '::1')

const NOW = ['--stable-for', '0']

describe('ag wait-idle', () => {
  test('says on stdout that the server is idle, and on stderr how it came to that', async () => {
    await using at = await builtWorkspace()
    const {exitCode, stdout, stderr} = await at.run(['wait-idle', ...NOW])
    expect({exitCode, stdout}).toEqual({exitCode: 0, stdout: expect.stringMatching(/is idle \(seen in 1 look, after/)})
    expect(stderr).toMatch(/^Waiting until .* is ready, for at most 30\.0m\n.* is idle: nothing waits, runs or loads$/)
  })

  test('exits 124 at the deadline, with the reason and the next step', async () => {
    await using at = await builtWorkspace({foreign: {waiting_gens: 2}})
    const {exitCode, stdout, stderr} = await at.run(['wait-idle', '--timeout', '400ms', '--stable-for', '0'])
    expect({exitCode, stdout}).toEqual({exitCode: 124, stdout: ''})
    expect(stderr).toMatch(/Error: Not idle within 0\.4 s\. .*2 pictures.*\nRaise --timeout/)
  })

  test('is silent when it is told to be, but for errors', async () => {
    await using at = await builtWorkspace()
    expect(await at.run(['wait-idle', '-q', ...NOW])).toMatchObject({exitCode: 0, stdout: '', stderr: ''})
    const {exitCode, stderr} = await at.run(['wait-idle', '-q', '--require', '3'])
    expect({exitCode, stderr}).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^Error: --require 3 cannot be met by 1 server\.\nGive all, any, or a number/),
    })
  })

  test('prints its result as JSON, and each look as a line with --events', async () => {
    await using at = await builtWorkspace()
    const {stdout} = await at.run(['wait-idle', ...NOW, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      open: true,
      verdict: 'idle',
      servers: [{state: 'idle'}],
    })
    const lines = (await at.run(['wait-idle', ...NOW, '--events'])).stdout.split('\n').map((line) => JSON.parse(line))
    expect(lines.map(({event}) => event)).toEqual(['wait.started', 'wait.state', 'wait.finished'])
  })

  test('asks all servers that AG_SERVER names', async () => {
    await using at = await builtWorkspace()
    await using other = await startMock({...INSTANT, foreign: {live_gens: 1}})
    const env = {AG_SERVER: `${at.mock.url} ${other.url}`}
    expect(await at.run(['wait-idle', ...NOW, '--timeout', '300ms'], env)).toMatchObject({exitCode: 124})
    expect(await at.run(['wait-idle', ...NOW, '--require', 'any'], env)).toMatchObject({exitCode: 0})
  })

  test('runs a command once it is idle, with its output, its words and its exit code', async () => {
    await using at = await builtWorkspace()
    const words = [
      '--',
      process.execPath,
      '-e',
      'console.log(process.argv.slice(1).join()); process.exit(7)',
      '--',
      'a b',
      '--json',
    ]
    expect(await at.run(['wait-idle', ...NOW, ...words])).toMatchObject({exitCode: 7, stdout: 'a b,--json'})
  })

  test('does not run it while the server is busy, unless it may continue', async () => {
    await using at = await builtWorkspace({foreign: {live_gens: 1}})
    const words = [...NOW, '--timeout', '1s', '--', process.execPath, '-e', 'console.log("ran")']
    expect(await at.run(['wait-idle', ...words])).toMatchObject({exitCode: 124, stdout: ''})
    expect(await at.run(['wait-idle', '--on-timeout', 'continue', ...words])).toMatchObject({
      exitCode: 0,
      stdout: 'ran',
    })
  })

  test('refuses a command that is not there before it waits', async () => {
    await using at = await builtWorkspace({foreign: {live_gens: 1}})
    const {exitCode, stderr} = await at.run(['wait-idle', '--', 'no-such-program'])
    expect({exitCode, stderr}).toEqual({exitCode: 2, stderr: expect.stringMatching(/no program "no-such-program"/)})
  })

  test('says how to write a command that lacks its --', async () => {
    await using at = await builtWorkspace()
    const {exitCode, stderr} = await at.run(['wait-idle', 'echo', 'hi'])
    expect({exitCode, stderr}).toEqual({exitCode: 2, stderr: expect.stringMatching(/ag wait-idle -- echo hi$/)})
  })

  test('refuses a window that its deadline leaves no room for', async () => {
    await using at = await builtWorkspace()
    const {exitCode, stderr} = await at.run(['wait-idle', '--timeout', '10s'])
    expect({exitCode, stderr}).toEqual({exitCode: 2, stderr: expect.stringMatching(/In 10s nothing.*idle for 10s/)})
  })

  test('hands signals to the command', async () => {
    await using at = await builtWorkspace()
    const program = `process.on('SIGTERM', () => process.exit(9)); console.log('ready'); setInterval(() => {}, 1000)`
    const child = at.run(['wait-idle', ...NOW, '--', process.execPath, '-e', program])
    child.stdout?.once('data', () => child.kill('SIGTERM'))
    expect(await child).toMatchObject({exitCode: 9})
  })

  test('tells the death of the command by a signal as a shell does', async () => {
    await using at = await builtWorkspace()
    const words = ['--', process.execPath, '-e', 'process.kill(process.pid, "SIGKILL")']
    expect(await at.run(['wait-idle', ...NOW, ...words])).toMatchObject({exitCode: 137})
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends at %s with %i', async (signal, exitCode) => {
    await using at = await builtWorkspace({foreign: {live_gens: 1}})
    const child = at.run(['wait-idle'])
    child.stderr?.on('data', (text) => {
      if (String(text).includes('busy')) child.kill(signal)
    })
    expect(await child).toMatchObject({exitCode})
  })

  test('of a server that accepts and never answers exits 3 at its deadline, having opened one socket', async () => {
    let sockets = 0
    const silent = createServer(() => {
      sockets++
    })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const {port} = silent.address() as {port: number}
    await using at = await builtWorkspace()
    const started = performance.now()
    const {exitCode, stderr} = await at.run(['wait-idle', ...NOW, '--timeout', '1s', '-s', `127.0.0.1:${port}`])
    silent.close()
    expect({exitCode, stderr}).toEqual({exitCode: 3, stderr: expect.stringMatching(/has not answered/)})
    expect(performance.now() - started).toBeLessThan(3000)
    expect(sockets).toBe(1)
  })

  test('that was stopped past its deadline ends as soon as it goes on, without an idle it has not seen', async () => {
    await using at = await builtWorkspace({foreign: {live_gens: 1}})
    const child = at.run(['wait-idle', '--timeout', '1s', ...NOW])
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (text) => {
        if (!String(text).includes('busy')) return
        child.kill('SIGSTOP')
        resolve()
      })
    })
    at.mock.control({foreign: {live_gens: 0}})
    const stopped = performance.now()
    await until('some time', () => performance.now() - stopped > 1200)
    child.kill('SIGCONT')
    const resumed = performance.now()
    expect(await child).toMatchObject({exitCode: 124})
    expect(performance.now() - resumed).toBeLessThan(1000)
  })

  test('notices at once that a generation of another process in this workspace has ended', async () => {
    await using at = await builtWorkspace({step_ms: 60})
    const generating = at.run(['generate'])
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    const {stdout} = await at.run(['wait-idle', '--scope', 'own', '--interval', '1m', ...NOW, '--json'])
    const waited = JSON.parse(stdout)
    expect(waited).toMatchObject({open: true})
    expect(waited.servers[0].looks).toBeGreaterThan(1)
    expect(waited.waited_seconds).toBeLessThan(10)
    await generating
    const last = readFileSync(join(at.folder, '.asset-generator-state.json'), 'utf8')
    expect(JSON.parse(last).sessions).toEqual({})
  })

  test.each(LOOPBACK)('finds a server on localhost that listens on %s only, and says so', async (host) => {
    await using at = await builtWorkspace()
    await using mock = await startMock({...INSTANT, host})
    const port = new URL(mock.url).port
    const {exitCode, stderr} = await ag(['wait-idle', ...NOW, '-s', `localhost:${port}`], {cwd: at.folder})
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: expect.stringContaining(`localhost:${port} (${host})`)})
    const bare = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    expect(await ag(['wait-idle', ...NOW, '-s', bare], {cwd: at.folder})).toMatchObject({exitCode: 0})
  })

  test('gates a run, after the manifest is checked', async () => {
    await using at = await builtWorkspace({foreign: {live_gens: 1}})
    const busy = await at.run(['generate', '--wait-idle', '--wait-timeout', '300ms', '--wait-stable-for', '0'])
    expect(busy).toMatchObject({exitCode: 124, stderr: expect.stringMatching(/Not idle.*1 at a backend/)})
    at.mock.control({foreign: {live_gens: 0}})
    expect(await at.run(['generate', '--wait-idle', '--wait-stable-for', '0'])).toMatchObject({exitCode: 0})
    const wrong = await at.run(['generate', 'none.yaml', '--wait-idle'])
    expect(wrong).toMatchObject({exitCode: 2})
  })
})
