import {existsSync, mkdirSync, readdirSync, readFileSync} from 'node:fs'
import {cp} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {execa} from 'execa'
import {ag, bin, node} from '../support/ag.ts'
import {activity, builtWorkspace} from '../support/built-workspace.ts'
import {temporaryFolder} from '../support/folder.ts'
import {until} from '../support/until.ts'

/** `ag generate`, killed as soon as the server works on its first picture. */
async function killed(step_ms: number) {
  const at = await builtWorkspace({step_ms})
  const running = at.run(['generate', '--concurrency', '1'])
  await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
  await until('a submitted request', () => /"ev":"submitted"/.test(histories(at.folder)))
  running.kill('SIGKILL')
  await running
  return at
}

function histories(folder: string): string {
  const sessions = join(folder, '.ag', 'sessions')
  if (!existsSync(sessions)) return ''
  return readdirSync(sessions)
    .map((name) => readFileSync(join(sessions, name), 'utf8'))
    .join('')
}

describe('ag recover', () => {
  test('says what it would do in a table, and does it only with --apply', async () => {
    await using at = await killed(20)
    await until('an idle server', async () => (await activity(at.mock.url)) === 0)
    const before = histories(at.folder)
    const plan = await at.run(['recover'])
    expect(plan.stdout).toMatch(
      /SESSION +STATE +WHAT WOULD BE DONE +WHY +ROW\ngen-\w+-sun +completed +fetch the picture/,
    )
    expect(plan.stdout).toMatch(/Nothing was changed\. Do it with: ag recover --apply$/)
    expect(plan.exitCode).toBe(0)
    expect(histories(at.folder)).toBe(before)
    const done = await at.run(['recover', '--apply', '--json'])
    expect(JSON.parse(done.stdout)).toMatchObject({
      schemaVersion: 1,
      applied: true,
      sessions: [
        {asset: 'sun', state: 'completed', action: 'adopt_from_server', outcome: 'done', path: 'assets/sun.png'},
      ],
    })
    expect((await at.run(['recover', '--apply'])).stdout).toBe('Nothing to recover: every session has come to its end.')
  })

  test('waits for what is running, and the next generate makes only the rest', async () => {
    // Long enough that a slow machine, too, asks before it is finished.
    await using at = await killed(300)
    const {stdout, exitCode} = await at.run(['recover', '--apply', '--wait', '--events'])
    const events = stdout.split('\n').map((line) => JSON.parse(line))
    expect(events.map(({event}) => event)).toEqual(['recover.waiting', 'recover.session'])
    expect(events.at(-1)).toMatchObject({state: 'completed', path: 'assets/sun.png'})
    expect(exitCode).toBe(0)
    const next = await at.run(['generate', '--json'])
    expect(JSON.parse(next.stdout)).toMatchObject({made: 1, kept: 1, adopted: 0, exit_code: 0})
  })

  test('exits 3 when only the server knows and it is away, and 2 for what makes no sense', async () => {
    await using at = await killed(60)
    const away = await at.run(['recover', '--apply'], {AG_SERVER: 'http://127.0.0.1:1'})
    expect(away.exitCode).toBe(3)
    expect(away.stdout).toMatch(/gen-\w+-sun +orphaned +not known yet/)
    expect((await at.run(['recover'], {AG_SERVER: 'ftp://x'})).exitCode).toBe(2)
    expect((await at.run(['recover', '--output-dir', 'nothere'])).exitCode).toBe(2)
    expect((await at.run(['recover', '--complete-when', ''])).exitCode).toBe(2)
    expect((await at.run(['recover', '--wait'])).exitCode).toBe(2)
    expect((await at.run(['recover', '--session', 'nonsense'])).exitCode).toBe(2)
    expect((await at.run(['recover', '--give-up-after', 'soon'])).exitCode).toBe(2)
  })

  test('settles what a restarted server has lost, and makes it again when told to', async () => {
    await using at = await killed(100)
    at.mock.control({restart: true, step_ms: 0})
    const {stdout, exitCode} = await at.run(['recover', '--apply', '--resubmit'])
    expect(stdout).toMatch(/gen-\w+-sun +lost +settled/)
    expect(stdout).toMatch(/Made again: 1 picture in .*assets\./)
    expect(exitCode).toBe(0)
    expect(existsSync(join(at.folder, 'assets', 'sun.png'))).toBe(true)
  })
})

describe('ag generate on the next machine, with the histories alone', () => {
  test('finds what the lost runner got finished, and makes the rest', async () => {
    await using at = await killed(20)
    await until('an idle server', async () => (await activity(at.mock.url)) === 0)
    await using next = temporaryFolder()
    mkdirSync(join(next.path, '.ag'))
    await cp(join(at.folder, '.ag', 'sessions'), join(next.path, '.ag', 'sessions'), {recursive: true})
    await cp(join(at.folder, 'ag.yaml'), join(next.path, 'ag.yaml'))
    const {stdout, stderr, exitCode} = await ag(['generate'], {cwd: next.path, env: {AG_SERVER: at.mock.url}})
    expect(stdout).toMatch(/^Made 1 picture in .*\nFinished before, and found: 1 picture\.$/)
    expect(stderr).toMatch(/✓ sun {2}found {2}assets\/sun\.png/)
    expect(exitCode).toBe(0)
    expect(readdirSync(join(next.path, 'assets')).sort()).toEqual(['moon.png', 'sun.png'])
  })
})

describe('ag history', () => {
  test('ends at once when it is stopped while it reads from a pipe', async () => {
    await using folder = temporaryFolder()
    const child = execa(node, [bin, 'history', 'merge', '-'], {
      cwd: folder.path,
      reject: false,
      stdin: 'pipe',
    })
    // More than a pipe holds: once it is gone, it is read.
    await new Promise((resolve) => child.stdin.write('\n'.repeat(2 ** 20), resolve))
    child.kill('SIGINT')
    expect(await child).toMatchObject({signal: 'SIGINT'})
  })

  test('lists, shows, exports to a pipe, merges from one, verifies and prunes', async () => {
    await using at = await builtWorkspace()
    await at.run(['generate'])
    const list = await at.run(['history'])
    expect(list.stdout).toMatch(/^SESSION +STATE +STARTED +TOOK +PICTURE, OR WHY NOT\ngen-\w+-\w+ +completed/)
    const {sessions} = JSON.parse((await at.run(['history', '--json', '--asset', 'sun'])).stdout)
    expect(sessions).toHaveLength(1)
    const shown = await at.run(['history', 'show', sessions[0].session, '--follow'])
    expect(shown.stdout.split('\n').map((line) => line.split(/ +/)[2])).toEqual(
      expect.arrayContaining(['created', 'intent', 'submitted', 'fetched', 'completed']),
    )
    const {stdout: exported} = await at.run(['history', 'export'])
    for (const line of exported.split('\n')) expect(JSON.parse(line)).toHaveProperty('ag.seq')
    await using other = temporaryFolder()
    const merged = await ag(['history', 'merge', '-'], {cwd: other.path, input: `${exported}\n`})
    expect(merged.stdout).toMatch(/^Read \d+ lines: 2 sessions new, 0 with new lines, 0 known already\.$/)
    expect(histories(other.path)).toBe(histories(at.folder))
    expect((await at.run(['history', 'verify'])).stdout).toMatch(
      /^All histories are whole: 2 sessions, \d+ lines, 2 pic/,
    )
    expect((await at.run(['history', 'prune', '--keep', '1', '--json'])).stdout).toContain('"kept": 2')
    expect((await at.run(['history', 'show', 'gen-none'])).exitCode).toBe(2)
  })
})
