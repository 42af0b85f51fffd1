import {spawnSync} from 'node:child_process'
import {closeSync, existsSync, openSync, readdirSync, readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {describe, expect, test} from '@jest/globals'
import {execa} from 'execa'
import type {MockOptions} from '../../src/server/mock/options.ts'
import {ag, bin, node} from '../support/ag.ts'
import {activity, builtWorkspace as workspace} from '../support/built-workspace.ts'
import {temporaryFolder} from '../support/folder.ts'
import {until} from '../support/until.ts'

describe('ag generate', () => {
  test('makes the pictures of ag.yaml, tells so on stderr, and where they are on stdout', async () => {
    await using at = await workspace()
    const {exitCode, stdout, stderr} = await at.run(['generate'])
    expect({exitCode, stderr}).toMatchObject({exitCode: 0, stderr: expect.stringMatching(/\[[12]\/2\] ✓ sun/)})
    expect(stdout).toMatch(/^Made 2 pictures in [\d.]+ s: .*assets$/)
    expect(readdirSync(join(at.folder, 'assets'))).toEqual(['moon.png', 'sun.png'])
    expect(JSON.parse(readFileSync(join(at.folder, '.asset-generator-state.json'), 'utf8')).sessions).toEqual({})
  })

  test('makes each picture once when several are started at the same moment', async () => {
    await using at = await workspace({step_ms: 2})
    const ids = Array.from(
      {length: 12},
      (_, n) => `  - {id: p${n}, prompt: p${n}, model: mock/flux-dev, width: 64, height: 64}`,
    )
    await at.write('ag.yaml', `assets:\n${ids.join('\n')}\n`)
    const runs = await Promise.all([1, 2, 3].map(() => at.run(['generate', '--json', '--concurrency', '4'])))
    const results = runs.map(({stdout}) => JSON.parse(stdout) as {made: number; failed: number})
    expect(results.reduce((sum, {made}) => sum + made, 0)).toBe(ids.length)
    const {generations} = (await fetch(`${at.mock.url}/Mock/State`).then((answer) => answer.json())) as {
      generations: number
    }
    expect(generations).toBe(ids.length)
    expect(readdirSync(join(at.folder, 'assets'))).toHaveLength(ids.length)
    // Who is left with pictures that another was still making says so.
    expect(runs.map(({exitCode}) => exitCode).filter((code) => code !== 0 && code !== 6)).toEqual([])
  })

  test('prints its result as JSON, also when pictures are missing', async () => {
    await using at = await workspace({faults: [{when: {prompt: 'moon'}, do: {error: 'ComfyUI errored: no'}}]})
    const {exitCode, stdout, stderr} = await at.run(['generate', '--json'])
    expect(exitCode).toBe(6)
    expect(JSON.parse(stdout)).toMatchObject({made: 1, failed: 1, exit_code: 6})
    expect(stderr).toBe('')
  })

  test('prints each event as a line of JSON', async () => {
    await using at = await workspace()
    const {stdout} = await at.run(['generate', '--events'])
    const events = stdout.split('\n').map((line) => JSON.parse(line))
    expect(events.at(0)).toMatchObject({schemaVersion: 1, event: 'run.started', total: 2})
    expect(events.at(-1)).toMatchObject({event: 'run.finished', made: 2})
    for (const {time} of events) expect(Date.parse(time)).toBeGreaterThan(0)
  })

  test('does not let a prompt or a server text give commands to a runner', async () => {
    await using at = await workspace({faults: [{do: {error: '\u001b[31m\n::error::owned'}}]})
    const {stdout, stderr, exitCode} = await at.run(['generate'])
    expect(exitCode).toBe(6)
    expect(stdout + stderr).not.toContain('\u001b')
    for (const line of `${stdout}\n${stderr}`.split('\n')) expect(line).not.toMatch(/^\s*::/)
  })

  test.each([
    [
      'a manifest that is wrong',
      ['generate', 'wrong.yaml'],
      {},
      2,
      /wrong\.yaml:1:29: assets\[0\]\.widht: unknown key "widht", did you mean "width"\?/,
    ],
    ['a manifest that is not there', ['generate', 'none.yaml'], {}, 2, /no such file/],
    ['a flag that is not there', ['generate', '--frobnicate'], {}, 2, /Nonexistent flag: --frobnicate/],
    ['a duration that is none', ['generate', '--timeout', 'soon'], {}, 2, /not a duration/],
    ['a server that is no address', ['generate'], {AG_SERVER: 'ftp://x'}, 2, /not a server address/],
    ['a server that is a metadata address', ['generate'], {AG_SERVER: 'http://169.254.169.254'}, 2, /metadata address/],
    [
      'credentials that would go out in the clear',
      ['generate', '--token', 'abc123'],
      {AG_SERVER: 'http://gpu.example.com'},
      2,
      /unencrypted/,
    ],
    [
      'a state file that is JSON of others',
      ['generate', '--state-file', 'other.json'],
      {},
      2,
      /something else than a list/,
    ],
    [
      'a password in what is no address',
      ['status'],
      {AG_SERVER: 'http://me:pa/ss@gpu:x'},
      2,
      /"http:\/\/\*\*\*@gpu:x" is not a/,
    ],
    ['a server that is a port', ['generate'], {AG_SERVER: '7801'}, 2, /Give http:\/\/localhost:7801/],
    ['a switch that is neither on nor off', ['generate'], {AG_WAIT_IDLE: 'maybe'}, 2, /AG_WAIT_IDLE is "maybe"/],
    [
      'a state file that is something else',
      ['generate', '--state-file', 'ag.yaml'],
      {},
      2,
      /something else than a list/,
    ],
    ['a workspace that is not there', ['history', '--state-dir', 'typo'], {}, 2, /no (folder|director)/i],
    ['the path of the routes', ['status'], {AG_SERVER: 'http://127.0.0.1:1/API'}, 2, /Leave out \/API/],
    [
      'no time for three looks',
      ['wait-idle', '--stable-for', '1s', '--timeout', '2s'],
      {},
      2,
      /no 3 looks that are 1\.1 s apart/,
    ],
    [
      'looks too far apart',
      ['wait-idle', '--interval', '10s', '--timeout', '19s'],
      {},
      2,
      /no 3 looks that are 10 s apart/,
    ],
    ['a server that is not there', ['generate'], {AG_SERVER: 'http://127.0.0.1:1'}, 3, /nothing listens there/],
  ] as const)('with %s exits as it should and says why', async (_what, args, env, exitCode, message) => {
    await using at = await workspace()
    await at.write('wrong.yaml', 'assets: [{id: a, prompt: x, widht: 64}]')
    await at.write('other.json', '{"name": "mine"}')
    const result = await at.run(args, env)
    expect(result.stderr).toMatch(message)
    expect(result.exitCode).toBe(exitCode)
    expect(existsSync(join(at.folder, '.ag'))).toBe(false)
  })

  test.each<[string, MockOptions, number, RegExp]>([
    ['a busy server', {foreign: {waiting_gens: 1}}, 124, /Raise --wait-timeout, lower --wait-stable-for/],
    [
      'a server that does not tell',
      {accounts: true, users: [{name: 'bob', role: 'user', token: 'bobtok'}]},
      4,
      /read_server_info_panels\. Or leave out --wait-idle/,
    ],
  ])('that waits in vain for %s is told what it could do', async (_what, mock, exitCode, message) => {
    await using at = await workspace(mock)
    const args = ['generate', '--wait-idle', '--wait-stable-for', '0', '--wait-timeout', '300ms', '--token', 'bobtok']
    expect(await at.run(args)).toMatchObject({exitCode, stderr: expect.stringMatching(message)})
  })

  test('says where the manifest asks for what the server does not have', async () => {
    await using at = await workspace()
    await at.write('ag.yaml', 'assets:\n  - {id: sun, prompt: a sun}\n  - {id: moon, prompt: a moon, model: nope}\n')
    const {exitCode, stderr} = await at.run(['generate'])
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/^Error: ag.yaml:2:5: assets\[0\]: No model is named/)
    expect(stderr).toMatch(/^ag.yaml:3:5: assets\[1\]: The server has no model "nope"/m)
  })

  test('tells what is wrong in a manifest as JSON, too', async () => {
    await using at = await workspace()
    await execa('sh', ['-c', 'echo "assets: [{id: a, prompt: x, widht: 64}]" > wrong.yaml'], {cwd: at.folder})
    const {stdout, exitCode} = await at.run(['generate', 'wrong.yaml', '--json'])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      error: {name: 'ManifestError', problems: [{line: 1, column: 29, path: 'assets[0].widht'}]},
    })
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const)('on %s stops the server, settles within two seconds and exits %i', async (signal, exitCode) => {
    await using at = await workspace({step_ms: 500})
    const child = at.run(['generate'])
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    const started = performance.now()
    child.kill(signal)
    const result = await child
    expect(performance.now() - started).toBeLessThan(2000)
    expect(result.exitCode).toBe(exitCode)
    expect(result.stderr).toContain(`Interrupted by ${signal}.`)
    expect(await activity(at.mock.url)).toBe(0)
    const last = readdirSync(join(at.folder, '.ag', 'sessions')).map((name) =>
      JSON.parse(
        readFileSync(join(at.folder, '.ag', 'sessions', name), 'utf8')
          .trim()
          .split('\n')
          .at(-1) ?? '',
      ),
    )
    for (const {ag: line} of last) expect(line).toMatchObject({state: 'cancelled', result: {reason: 'interrupted'}})
  })

  test('settles in time also when the server does not answer the interrupt, and says so', async () => {
    await using at = await workspace({step_ms: 500, faults: [{when: {route: 'InterruptAll'}, do: {hang: true}}]})
    const child = at.run(['generate'])
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    const started = performance.now()
    child.kill('SIGINT')
    const {exitCode, stderr} = await child
    expect(performance.now() - started).toBeLessThan(2500)
    expect(stderr).toMatch(/did not confirm that it stopped our work/)
    expect(exitCode).toBe(130)
  })

  test('ends at once at a second signal, with whole histories', async () => {
    await using at = await workspace({step_ms: 500, faults: [{when: {route: 'InterruptAll'}, do: {hang: true}}]})
    const child = at.run(['generate'])
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    child.kill('SIGINT')
    const again = setInterval(() => child.kill('SIGINT'), 20)
    const started = performance.now()
    const {exitCode} = await child
    clearInterval(again)
    expect(performance.now() - started).toBeLessThan(1000)
    expect(exitCode).toBe(130)
    for (const name of readdirSync(join(at.folder, '.ag', 'sessions'))) {
      const lines = readFileSync(join(at.folder, '.ag', 'sessions', name), 'utf8')
        .trim()
        .split('\n')
      for (const line of lines) expect(JSON.parse(line)).toMatchObject({ag: {v: 1}})
    }
  })

  test('stops at its deadline with 124', async () => {
    await using at = await workspace({step_ms: 500})
    const {exitCode, stdout} = await at.run(['generate', '--timeout', '500ms'])
    expect(exitCode).toBe(124)
    expect(stdout).toMatch(/Not finished: 2 pictures/)
  })

  test('on a disk that takes no more exits 1, says so, and leaves nothing half-written', async () => {
    await using at = await workspace({pictures: 'scenes'})
    const {execPath} = process
    const bin = new URL('../../bin/ag.js', import.meta.url).pathname
    // Files may grow to two blocks: enough for a history, not for a picture.
    const script = `trap '' XFSZ; ulimit -f 4; exec "${execPath}" --no-warnings "${bin}" generate image -p "a fox" -m mock/sdxl-base --param width=512 -o out`
    const {exitCode, stderr, stdout} = await execa(
      'bash',
      ['-c', script.replace('--param width=512', '--width 512 --height 512')],
      {cwd: at.folder, reject: false, env: {AG_SERVER: at.mock.url, NODE_DISABLE_COMPILE_CACHE: '1'}},
    )
    expect(`${stderr}${stdout}`).toMatch(/Cannot write .*larger than this process may write/)
    expect(exitCode).toBe(1)
    expect(readdirSync(join(at.folder, 'out'))).toEqual([])
  })
})

describe('ag generate image', () => {
  test('puts a picture and its snapshot where seed 004 looks for them', async () => {
    await using at = await workspace()
    const {exitCode, stdout} = await at.run([
      'generate',
      'image',
      '--prompt',
      'a fox',
      '--model',
      'mock/sdxl-base',
      '--seed',
      '7',
      '--lora',
      'mock/ink:0.5',
      '--param',
      'clipstopatlayer=-2',
      '--json',
    ])
    expect(exitCode).toBe(0)
    const {assets} = JSON.parse(stdout)
    const folder = join(at.folder, 'output', assets[0].session)
    expect(readdirSync(folder)).toEqual(['image.png', 'session_state.json'])
    expect(JSON.parse(readFileSync(join(folder, 'session_state.json'), 'utf8'))).toMatchObject({
      status: 'completed',
      prompt: 'a fox',
      result: {success: true},
    })
    const history = readFileSync(join(at.folder, '.ag', 'sessions', `${assets[0].session}.jsonl`), 'utf8')
    expect(JSON.parse(history.split('\n')[0] ?? '').metadata.request.parameters).toMatchObject({
      seed: 7,
      loras: ['mock/ink'],
      loraweights: ['0.5'],
      clipstopatlayer: '-2',
    })
  })

  test('names several pictures by a template', async () => {
    await using at = await workspace()
    const {exitCode} = await at.run([
      'generate',
      'image',
      '-p',
      'a fox',
      '-m',
      'mock/sdxl-base',
      '--seed',
      '5',
      '--count',
      '2',
      '-o',
      'foxes',
      '--name',
      'fox-{index}-{seed}',
    ])
    expect(exitCode).toBe(0)
    expect(readdirSync(join(at.folder, 'foxes'))).toEqual(['fox-1-5.png', 'fox-2-6.png'])
  })

  test.each([
    [['--seed', 'x'], /--seed "x" is not a whole number/],
    [['--cfg-scale', '1000'], /--cfg-scale: expected a number of at most 100, got 1000/],
    [['--lora', 'ink:30'], /--lora: expected a number of at most 10, got 30/],
    [['--cfg-scale', 'x'], /--cfg-scale "x" is not a number/],
    [['--param', 'x'], /not of the form KEY=VALUE/],
    [['--param', 'steps=3'], /"steps" is set with the key "steps"/],
    [['--name', '../x'], /leaves the output directory/],
    [['--name', 'x.png', '--count', '2', '-o', 'o'], /--name "x.png" is the same for several of the 2 pictures/],
  ])('refuses %j', async (args, message) => {
    await using at = await workspace()
    const {exitCode, stderr} = await at.run(['generate', 'image', '-p', 'x', ...args])
    expect(stderr).toMatch(message)
    expect(exitCode).toBe(2)
  })
})

describe('ag status', () => {
  test('tells the truth, by the very words of the seeds, while a generation runs in another process', async () => {
    await using at = await workspace({step_ms: 200})
    const child = at.run(['generate'])
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    const shell = (script: string) =>
      execa(
        'bash',
        [
          '-c',
          `asset-generator() { "${node}" "${new URL('../../bin/ag.js', import.meta.url).pathname}" "$@"; }; jq() { "${process.execPath}" -e 'const q=process.argv[1];const d=JSON.parse(require("fs").readFileSync(0));console.log(q===".generations_running"?d.generations_running:Object.keys(d.sessions).length)' "$1"; }; ${script}`,
        ],
        {cwd: at.folder, env: {AG_SERVER: at.mock.url}},
      )
    expect((await shell("asset-generator status --format json | jq '.generations_running'")).stdout).toBe('2')
    const {stdout} = await at.run(['status'])
    expect(stdout).toMatch(/Generation 1:\n +Session ID: +gen-\w+-(sun|moon)\n/)
    child.kill('SIGINT')
    await child
    expect((await shell("asset-generator status --format json | jq '.generations_running'")).stdout).toBe('0')
    expect((await shell("jq '.sessions | length' < .asset-generator-state.json")).stdout).toBe('0')
  })

  test('has the same keys in JSON and YAML, and keeps one session on the server', async () => {
    await using at = await workspace()
    const json = JSON.parse((await at.run(['status', '--json'])).stdout)
    const yaml = (await at.run(['status', '--format', 'yaml'])).stdout
    const keys = yaml
      .split('\n')
      .filter((line) => /^\w/.test(line))
      .map((line) => line.split(':')[0])
    expect(keys).toEqual(Object.keys(json))
    const state = await fetch(`${at.mock.url}/Mock/State`).then((answer) => answer.json())
    expect(state).toMatchObject({sessions: 1})
    const kept = join(at.folder, 'asset-generator-ci', 'swarmui-sessions')
    for (const name of readdirSync(kept)) expect(statSync(join(kept, name)).mode & 0o777).toBe(0o600)
  })

  test('of a server that is away is whole JSON and exits 3', async () => {
    await using at = await workspace()
    const {exitCode, stdout} = await at.run(['status', '--format', 'json'], {AG_SERVER: 'http://127.0.0.1:1'})
    expect(exitCode).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({status: 'offline', active_generations: [], generations_running: 0})
  })

  test('--watch shows it again until it is stopped', async () => {
    await using at = await workspace()
    const child = at.run(['status', '--watch', '--interval', '20ms', '--format', 'json'])
    let seen = 0
    child.stdout?.on('data', (bytes) => {
      seen += String(bytes).split('\n').length - 1
      if (seen >= 2) child.kill('SIGINT')
    })
    const {exitCode} = await child
    expect(exitCode).toBe(0)
    expect(seen).toBeGreaterThanOrEqual(2)
  })

  test('refuses to ask without a pause', async () => {
    await using at = await workspace()
    expect(await at.run(['status', '--watch', '--interval', '0'])).toMatchObject({exitCode: 2})
  })

  test('leaves no trace in a folder that is no workspace', async () => {
    await using at = await workspace()
    await at.run(['status'])
    expect(readdirSync(at.folder).filter((name) => name !== 'asset-generator-ci')).toEqual(['ag.yaml'])
  })
})

describe('who we are', () => {
  test.each([
    ['flags', ['--header', 'x-a=1', '--header', 'authorization: secret words'], {}],
    ['AG_HEADER, one a line', [], {AG_HEADER: 'x-a=1\nauthorization=secret words'}],
    ['AG_AUTHORIZATION', [], {AG_AUTHORIZATION: 'secret words'}],
  ] as const)('can be told by %s', async (_how, args, env) => {
    await using at = await workspace({authorization: 'secret words'})
    const {exitCode, stdout, stderr} = await at.run(['status', ...args], env)
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
    expect(stdout).toMatch(/Status: +online/)
  })

  test('is never told to anybody else', async () => {
    await using at = await workspace({authorization: 'secret words', faults: [{do: {error: 'no: secret words'}}]})
    const {stdout, stderr} = await at.run(['generate', '--json'], {AG_AUTHORIZATION: 'secret words'})
    const histories = readdirSync(join(at.folder, '.ag', 'sessions')).map((name) =>
      readFileSync(join(at.folder, '.ag', 'sessions', name), 'utf8'),
    )
    for (const text of [stdout, stderr, ...histories]) {
      expect(text).not.toContain('secret words')
      expect(text).not.toMatch(/[^0-9a-f][0-9a-f]{40}[^0-9a-f]/)
    }
  })
})

describe('ag', () => {
  test('init writes a manifest that generate understands, and no second one', async () => {
    await using folder = temporaryFolder()
    expect(await ag(['init'], {cwd: folder.path})).toMatchObject({exitCode: 0})
    expect(await ag(['init'], {cwd: folder.path})).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/exists already/),
    })
    expect(await ag(['generate', '--server', 'mock'], {cwd: folder.path})).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/Made 2 pictures/),
    })
  })

  test('mock listens where it says, and ends on Ctrl-C', async () => {
    await using folder = temporaryFolder()
    const child = ag(['mock', '--port', '0', '--set', '{"models": ["only/one"]}'], {cwd: folder.path})
    const url = await new Promise<string>((resolve) =>
      child.stdout?.once('data', (bytes) => resolve(/http:\S+/.exec(String(bytes))?.[0] ?? '')),
    )
    const status = await ag(['status', '--json', '--server', url], {cwd: folder.path})
    expect(JSON.parse(String(status.stdout))).toMatchObject({models_count: 1})
    child.kill('SIGINT')
    expect((await child).exitCode).toBe(0)
  })

  test.each([['{'], ['{"frobnicate": 1}']])('mock refuses options it does not know: %s', async (set) => {
    await using folder = temporaryFolder()
    expect(await ag(['mock', '--set', set], {cwd: folder.path})).toMatchObject({exitCode: 2})
  })

  test.each([
    [['generat'], 'There is no command "generat".\nDid you mean ag generate or ag generate image? See ag --help.'],
    [['--frobnicate'], 'There is no flag "--frobnicate".\nSee ag --help.'],
    [['generate', 'image', 'a fox'], 'ag generate image takes no "a fox".\nSee ag generate image --help.'],
  ])('says of %j what was meant', async (args, words) => {
    await using folder = temporaryFolder()
    const {exitCode, stderr, stdout} = await ag(args, {cwd: folder.path})
    expect({exitCode, stderr, stdout}).toEqual({exitCode: 2, stderr: `Error: ${words}`, stdout: ''})
  })

  test.each([
    [['-h'], ['--help']],
    [['help'], ['--help']],
    [
      ['help', 'generate', 'image'],
      ['generate', 'image', '--help'],
    ],
    [['-v'], ['--version']],
  ])('%j is %j', async (short, long) => {
    await using folder = temporaryFolder()
    const [one, other] = await Promise.all([short, long].map((args) => ag(args, {cwd: folder.path})))
    expect(one).toMatchObject({exitCode: 0, stdout: other?.stdout})
  })

  test('says so on a Node that is too old for it', async () => {
    const {engines} = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    const older = 'Object.defineProperty(process, "versions", {value: {...process.versions, node: "20.20.2"}})'
    await using folder = temporaryFolder()
    const preload = await folder.write('older.mjs', older)
    const args = ['--import', pathToFileURL(preload).href, bin, '--version']
    const {status, stderr} = spawnSync(process.execPath, args, {encoding: 'utf8'})
    const [, oldest] = /^>=(\d+\.\d+)\.0$/.exec(engines.node) ?? []
    expect({status, stderr}).toEqual({
      status: 1,
      stderr: `Error: ag needs Node ${oldest} or newer, and this is 20.20.2.\n`,
    })
  })

  test('says its version and its help', async () => {
    await using folder = temporaryFolder()
    expect((await ag(['--version'], {cwd: folder.path})).stdout).toMatch(/^asset-generator-ci\/\d/)
    const {stdout} = await ag(['--help'], {cwd: folder.path})
    for (const command of ['generate', 'status', 'init', 'mock']) expect(stdout).toContain(command)
  })
})

describe('output that nobody takes', () => {
  const run = ['generate', '--run', 'r']

  test.each([
    ['stdout', 'its result as JSON', [...run, '--json']],
    ['stdout', 'its events', [...run, '--events']],
    ['stderr', 'its progress', run],
  ] as const)('on %s, when a run tells %s, does not stop the run', async (stream, _what, args) => {
    await using at = await workspace()
    const child = at.run(args)
    child[stream].destroy()
    expect((await child).exitCode).toBe(0)
    expect(readdirSync(join(at.folder, 'assets'))).toHaveLength(2)
  })

  test.each([
    [['status', '--watch', '--interval', '20ms', '--format', 'json']],
    [['history', 'show', 'gen-r-sun', '--follow']],
  ])('ends %j, which does nothing else', async (args) => {
    await using at = await workspace({step_ms: 100_000})
    const generating = at.run(run)
    await until('a history', () => existsSync(join(at.folder, '.ag', 'sessions', 'gen-r-sun.jsonl')))
    const child = at.run(args)
    child.stdout.destroy()
    expect((await child).exitCode).toBe(0)
    generating.kill('SIGINT')
    await generating
  })

  test('is no failure of a command that only tells something', async () => {
    await using at = await workspace()
    await at.run(run)
    for (const args of [['history', '--json'], ['history'], ['status', '--json']]) {
      const child = at.run(args)
      child.stdout.destroy()
      const {exitCode, stderr} = await child
      expect({args, exitCode, stderr}).toEqual({args, exitCode: 0, stderr: ''})
    }
  })

  test('because its disk is full is told in a line, with exit code 1', async () => {
    // Other systems than Linux have no disk that is always full.
    if (!existsSync('/dev/full')) return
    const full = openSync('/dev/full', 'w')
    await using folder = temporaryFolder()
    const stdio = ['ignore', full, 'pipe'] as const
    const {status, stderr} = spawnSync(node, [bin, 'history', '--json'], {
      cwd: folder.path,
      stdio: [...stdio],
    })
    expect(String(stderr)).toBe('Error: Cannot write the output: the disk is full.\n')
    expect(status).toBe(1)
    closeSync(full)
  })
})
