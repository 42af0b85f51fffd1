import {execFileSync} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {describe, expect, test} from '@jest/globals'
import {histories, MANIFEST, type Repository, repository, unzipped} from '../support/action-job.ts'
import {ag} from '../support/ag.ts'
import type {StoredArtifact} from '../support/results-service.ts'
import type {Phase} from '../support/runner.ts'
import {until} from '../support/until.ts'

const PICTURES = ['assets/moon.png', 'assets/sun.png']
const QUICK = {NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, '../support/quick-timers.mjs'))}`}

function annotations({commands}: Phase, kind: string) {
  return commands.filter(({name}) => name === kind)
}

describe('the action', () => {
  test('makes pictures, keeps the histories, and makes nothing in the next run', async () => {
    await using repo = await repository()
    const first = await repo.job({run: 1})
    const made = await repo.step(first, {'upload-pictures': 'true'})
    expect(made.main).toMatchObject({exitCode: 0, log: expect.stringMatching(/Made 2 pictures/)})
    expect(made.post).toMatchObject({exitCode: 0, log: ''})
    expect(made.outputs).toMatchObject({
      status: 'completed',
      'exit-code': '0',
      made: '2',
      pictures: '["assets/sun.png","assets/moon.png"]',
      'output-dir': 'assets',
      'state-key': '',
      'history-artifact': expect.stringMatching(/^ag-history-default-1-1-art-0-[0-9a-f]{8}$/),
      'history-url': 'https://github.com/someone/game/actions/runs/1/artifacts/2000',
    })
    expect(JSON.parse(await readFile(made.outputs['report'] ?? '', 'utf8'))).toMatchObject({schemaVersion: 1, made: 2})
    expect(made.main.summary).toMatch(/^### ✅ ag generate: 2 pictures made/)
    expect(made.main.summary).toContain('artifacts/2000')
    const [history, pictures] = repo.services.artifacts.map((artifact) => Object.keys(unzipped(artifact)).sort())
    expect(history).toEqual(histories(first))
    expect(pictures).toEqual(['moon.png', 'sun.png'])

    const second = await repo.job({run: 2, on: first, files: ['assets']})
    const kept = await repo.step(second)
    expect(kept.main).toMatchObject({exitCode: 0, log: expect.stringMatching(/2 sessions new here/)})
    expect(kept.outputs).toMatchObject({
      made: '0',
      kept: '2',
      'state-key': 'ag-state-v1/default/art/0/refs-heads-main-f921bd05/1/1/__self/job-backend-id/',
      'history-artifact': '',
    })
    expect(kept.main.summary).toMatch(/up to date/)
    expect(await repo.asked()).toBe(2)
    // Nothing is new: nothing is saved or uploaded once more.
    expect(repo.services.entries).toHaveLength(1)
    expect(repo.services.artifacts).toHaveLength(2)
  })

  test('takes pictures that are gone from the server instead of having them made again', async () => {
    await using repo = await repository()
    const first = await repo.job({run: 1})
    await repo.step(first)
    const second = await repo.job({run: 2})
    expect((await repo.step(second)).outputs).toMatchObject({made: '0', adopted: '2'})
    expect(await repo.asked()).toBe(2)
    for (const name of PICTURES) expect(await second.read(name)).toEqual(await first.read(name))
  })

  test('tells of what failed at its line of the manifest, and keeps the histories all the same', async () => {
    await using repo = await repository({
      faults: [{when: {prompt: 'moon'}, do: {error: 'the GPU\n::error::caught fire'}}],
    })
    const runner = await repo.job()
    const {main, outputs} = await repo.step(runner, {retries: '0', concurrency: '1'})
    expect(main.exitCode).toBe(6)
    expect(outputs).toMatchObject({status: 'partial', 'exit-code': '6', made: '1', failed: '1'})
    const [failure, last] = annotations(main, 'error')
    expect(failure).toMatchObject({
      properties: {file: 'ag.yaml', line: expect.stringMatching(/^[34]$/)},
      message: expect.stringMatching(/the GPU/),
    })
    expect(last?.message).toMatch(/1 picture not made/)
    expect(annotations(main, 'error')).toHaveLength(2)
    expect(main.summary).toMatch(/❌/)
    expect(repo.services.entries).toHaveLength(1)
    expect(repo.services.artifacts).toHaveLength(1)
  })

  test('tells of a manifest that is wrong at the very place, with exit code 2', async () => {
    await using repo = await repository()
    const runner = await repo.job()
    await runner.write('art/ag.yaml', 'assets:\n  - {id: sun, prompt: a sun, stepps: 3}\n')
    const {main, outputs, post} = await repo.step(runner, {manifest: 'art/ag.yaml'})
    expect(main.exitCode).toBe(2)
    expect(outputs['status']).toBe('usage')
    expect(annotations(main, 'error')[0]).toMatchObject({
      properties: {file: 'art/ag.yaml', line: '2', col: expect.any(String)},
      message: expect.stringMatching(/steps/),
    })
    expect(post?.exitCode).toBe(0)
  })

  test('cancelled, stops the server and settles within seconds; post keeps what main had no time for', async () => {
    await using repo = await repository({step_ms: 400, steps: 20})
    const runner = await repo.job({run: 1})
    const strike = {
      how: 'cancel',
      when: () => until('a picture at the server', async () => (await repo.busy()) > 0),
    } as const
    const {main, post, outputs, state} = await repo.step(runner, {}, {strike})
    expect({code: main.exitCode, signal: main.signal}).toEqual({code: 130, signal: undefined})
    expect(main.milliseconds).toBeLessThan(3000)
    expect(await repo.busy()).toBe(0)
    expect(outputs).toMatchObject({status: 'cancelled', 'exit-code': '130', pending: '2'})
    expect(state).toMatchObject({interrupted: 'true', settled: 'true'})
    expect(main.log).not.toMatch(/Kept the histories/)
    expect(post).toMatchObject({exitCode: 0, log: expect.stringMatching(/Kept the histories of 2 sessions/)})
    expect(main.summary).toMatch(/^### ⏹️ ag generate: .*2 not finished/)
    expect(post?.summary).toMatch(/^\[History of this run/)
    expect(repo.services.artifacts).toHaveLength(1)
    expect(unzippedText(repo.services.artifacts)).toMatch(/"state":"cancelled"/)

    repo.mock.control({step_ms: 0})
    const next = await repo.job({run: 2})
    expect((await repo.step(next)).outputs).toMatchObject({status: 'completed', made: '2'})
  })

  test('killed before it could settle, has that done by its post step: the server stops', async () => {
    await using repo = await repository({step_ms: 400, steps: 20, interrupt_ms: 3000})
    const runner = await repo.job()
    const strike = {
      how: 'kill',
      when: () => until('a picture at the server', async () => (await repo.busy()) > 0),
    } as const
    const {main, post, state} = await repo.step(runner, {}, {strike})
    expect(main.signal).toBe('SIGKILL')
    expect(state).toMatchObject({interrupted: 'true'})
    expect(state).not.toHaveProperty('settled')
    expect(post).toMatchObject({exitCode: 0, log: expect.stringMatching(/is cancelled/)})
    expect(await repo.busy()).toBe(0)
    expect(unzippedText(repo.services.artifacts)).toMatch(/"state":"cancelled"/)
  })

  test('crashed, leaves the work to the server, and the next run on another machine takes it', async () => {
    await using repo = await repository({step_ms: 30})
    const runner = await repo.job({run: 1})
    const strike = {
      how: 'crash',
      when: () => until('a picture at the server', async () => (await repo.busy()) > 0),
    } as const
    const {main, post} = await repo.step(runner, {}, {strike})
    expect(main.signal).toBe('SIGKILL')
    expect(post?.exitCode).toBe(0)
    expect(repo.services.entries).toHaveLength(1)
    const before = await repo.asked()
    const next = await repo.job({run: 2})
    const {outputs} = await repo.step(next)
    expect(outputs).toMatchObject({status: 'completed', 'state-key': expect.stringMatching(/\/1\/1\//)})
    expect(Number(outputs['adopted'])).toBe(before)
    expect(await repo.asked()).toBe(2)
  })

  test('on a machine that was lost, goes on from the workspace when it is back', async () => {
    await using repo = await repository({step_ms: 30})
    const runner = await repo.job({run: 1})
    const strike = {
      how: 'lose',
      when: () => until('a picture at the server', async () => (await repo.busy()) > 0),
    } as const
    expect((await repo.step(runner, {}, {strike})).post).toBeUndefined()
    const again = await repo.job({run: 2, on: runner, files: ['.ag']})
    const recovered = await repo.step(again, {command: 'recover', apply: 'true', wait: 'true'})
    expect(recovered.main.exitCode).toBe(0)
    expect(Number(recovered.outputs['recovered'])).toBe(await repo.asked())
    expect((await repo.step(again, {}, {id: 'rest'})).outputs).toMatchObject({status: 'completed'})
    expect(await repo.asked()).toBe(2)
  })

  test('says that a read-only token keeps nothing, whether it tells so or is only refused', async () => {
    for (const readOnly of ['told', 'untold'] as const) {
      await using repo = await repository({}, {readOnly})
      const {main, outputs} = await repo.step(await repo.job())
      expect({code: main.exitCode, made: outputs['made']}).toEqual({code: 0, made: '2'})
      expect(main.log).toMatch(
        readOnly === 'told'
          ? /not kept for later runs: this run may only read the cache/
          : /was not kept, as the lines above say/,
      )
      expect(repo.services.calls.includes('CreateCacheEntry')).toBe(readOnly === 'untold')
      expect(repo.services.artifacts).toHaveLength(1)
    }
  })

  test('asks the cache for nothing that its mode forbids', async () => {
    await using repo = await repository()
    const {main} = await repo.step(await repo.job(), {history: 'never'}, {env: {ACTIONS_CACHE_MODE: 'none'}})
    expect(main.log).toMatch(/Nothing was restored: the workflow says "cache-mode: none"/)
    expect(main.log).toMatch(/not kept for later runs: the workflow says "cache-mode: none"/)
    expect(repo.services.calls).toEqual([])
  })

  test.each([429, 500])('makes its pictures although the services answer %d', async (status) => {
    const methods = ['GetCacheEntryDownloadURL', 'CreateCacheEntry', 'CreateArtifact']
    await using repo = await repository({}, {failing: methods.map((method) => ({method, status}))})
    const {main, post, outputs} = await repo.step(await repo.job(), {}, {env: QUICK})
    expect({code: main.exitCode, made: outputs['made']}).toEqual({code: 0, made: '2'})
    expect(main.log).toMatch(/Nothing was restored/)
    expect(main.log).toMatch(/The state was not kept/)
    expect(annotations(main, 'warning').map(({message}) => message)).toContainEqual(
      expect.stringMatching(/Did not upload the histories of 2 sessions: /),
    )
    expect(post?.exitCode).toBe(0)
  })

  test('works without any services, and asks none', async () => {
    await using repo = await repository()
    const runner = await repo.job()
    const {main, outputs, post} = await runner.step({server: repo.mock.url})
    expect({code: main.exitCode, made: outputs['made'], post: post?.exitCode}).toEqual({code: 0, made: '2', post: 0})
    expect(main.log).toMatch(/Nothing was restored: there is no Actions cache here/)
    expect(main.log).toMatch(/there is no artifact service here. It is all in the workspace/)
    expect(histories(runner)).toHaveLength(2)
  })

  test('says so on a GitHub Enterprise Server, which has another artifact service', async () => {
    await using repo = await repository()
    const env = {GITHUB_SERVER_URL: 'https://git.example.org'}
    const {main} = await repo.step(await repo.job(), {cache: 'off'}, {env})
    expect(main.exitCode).toBe(0)
    expect(annotations(main, 'warning')[0]?.message).toMatch(/not currently supported on GHES/)
  })

  test('takes nothing out of a planted archive but the histories, and of those only what is sound', async () => {
    await using repo = await repository()
    const first = await repo.job({run: 1})
    await repo.step(first)
    const honest = onlyEntry(repo)
    const folder = await mkdtemp(join(tmpdir(), 'ag-planted-'))
    try {
      const outside = join(folder, 'outside')
      mkdirSync(outside)
      const blob = plantedArchive(folder, outside)
      repo.services.plant({...honest, key: `${honest.key}planted/`, blob})
      const second = await repo.job({run: 2, on: first, files: ['assets']})
      const {main, outputs} = await repo.step(second)
      expect(outputs).toMatchObject({'state-key': expect.stringMatching(/planted/), 'exit-code': '0'})
      expect(main.log).toMatch(/1 session new here.*2 lines left out/)
      expect(existsSync(join(outside, 'absolute'))).toBe(false)
      expect(existsSync(join(folder, 'dotdot'))).toBe(false)
      expect(existsSync(join(second.workspace, 'x.jsonl'))).toBe(false)
      expect(histories(second)).toContain('gen-planted-sun.jsonl')
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })

  test('reads nothing through a link that stands where the histories should', async () => {
    await using repo = await repository()
    await repo.step(await repo.job({run: 1}))
    const honest = onlyEntry(repo)
    const folder = await mkdtemp(join(tmpdir(), 'ag-planted-'))
    try {
      const archive = join(folder, 'link.tar')
      execFileSync('ln', ['-s', '/etc/passwd', join(folder, 'ag-state.jsonl')])
      execFileSync('tar', ['--zstd', '-cf', archive, '-C', folder, 'ag-state.jsonl'])
      repo.services.plant({...honest, key: `${honest.key}planted/`, blob: await readFile(archive)})
      const second = await repo.step(await repo.job({run: 2}))
      expect(second.main.log).toMatch(/Nothing was restored: /)
      expect(second.outputs).toMatchObject({made: '2', 'state-key': ''})
      // It does not stand in the way for ever: what this run kept is found by the next.
      const {outputs} = await repo.step(await repo.job({run: 3}))
      expect(outputs).toMatchObject({adopted: '2', 'state-key': expect.stringMatching(/\/2\/1\//)})
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })

  test('refuses events that anybody can cause, but for the mock or when it is told to', async () => {
    await using repo = await repository()
    const event = 'issue_comment'
    const refused = await repo.step(await repo.job({event}))
    expect(refused.main.exitCode).toBe(2)
    expect(annotations(refused.main, 'error')[0]?.message).toMatch(/Anybody can cause the event issue_comment/)
    expect(await repo.asked()).toBe(0)
    const resubmit = {command: 'recover', apply: 'true', resubmit: 'true'}
    expect((await repo.step(await repo.job({event}), resubmit)).main.exitCode).toBe(2)
    expect((await repo.step(await repo.job({event}), {'allow-untrusted': 'true'})).main.exitCode).toBe(0)
    expect((await repo.step(await repo.job({event}), {server: 'mock'})).outputs['made']).toBe('2')
  })

  test('leaves the prompts out of what a public repository shows, and no secret anywhere', async () => {
    await using repo = await repository()
    const payload = {repository: {id: 1, private: false}}
    const runner = await repo.job({payload})
    const {main, outputs} = await repo.step(runner, {token: 'a-very-secret-token', header: 'x-key=another-secret'})
    expect(main.exitCode).toBe(0)
    expect(annotations(main, 'add-mask').length).toBeGreaterThanOrEqual(3)
    const report = await readFile(outputs['report'] ?? '', 'utf8')
    const shown = [main.log, main.summary, JSON.stringify(outputs), report, unzippedText(repo.services.artifacts)]
    for (const text of shown) {
      expect(text).not.toMatch(/a-very-secret-token|another-secret/)
      expect(text).not.toMatch(/secret sun|secret moon/)
      expect(text).not.toMatch(/[0-9A-F]{40}/)
    }
    expect(unzippedText(repo.services.artifacts)).toMatch(/\(redacted\)/)

    // The histories are as good without them: nothing is made twice.
    const next = await repo.job({payload, run: 101, on: runner, files: ['assets']})
    expect((await repo.step(next)).outputs).toMatchObject({kept: '2'})
  })

  test('hides nothing in a private repository, and lets no prompt command the runner', async () => {
    await using repo = await repository()
    const {main, state} = await repo.step(await repo.job())
    expect(unzippedText(repo.services.artifacts)).toMatch(/a secret moon/)
    expect(state['settled']).toBe('true')
    expect(annotations(main, 'save-state')).toEqual([])
  })

  test('runs twice in a job, each step with a state and an artifact of its own', async () => {
    await using repo = await repository()
    const runner = await repo.job()
    await runner.write(
      'more.yaml',
      (await runner.read('ag.yaml')).replaceAll('sun', 'star').replaceAll('moon', 'comet'),
    )
    const server = repo.mock.url
    const [, second] = await runner.steps(
      {inputs: {server}, options: {services: repo.services}},
      {inputs: {server, manifest: 'more.yaml'}, options: {services: repo.services, id: '__self_2'}},
    )
    expect(second?.outputs).toMatchObject({
      made: '2',
      'history-artifact': expect.stringMatching(/^ag-history-default-100-1-art-0-[0-9a-f]{8}-2$/),
    })
    expect(repo.services.entries.map(({key}) => key)).toEqual([
      'ag-state-v1/default/art/0/refs-heads-main-f921bd05/100/1/__self/job-backend-id/',
      'ag-state-v1/default/art/0/refs-heads-main-f921bd05/100/1/__self_2/job-backend-id/',
    ])
  })

  test('gives each job of a matrix its own state back, and a new one that of its neighbours', async () => {
    await using repo = await repository()
    const names = ['sun', 'moon']
    for (const [index, name] of names.entries()) {
      const runner = await repo.job({run: 1, index})
      await runner.write('ag.yaml', MANIFEST.replace(name === 'sun' ? /.*moon.*\n/ : /.*sun.*\n/, ''))
      expect((await repo.step(runner)).outputs).toMatchObject({made: '1'})
    }
    for (const index of [0, 1, 2]) {
      const {outputs} = await repo.step(await repo.job({run: 2, index}), {command: 'status'})
      expect(outputs['state-key']).toMatch(new RegExp(`/art/${Math.min(index, 1)}/refs-heads-main-\\w+/1/1/`))
    }
  })

  test('gates on an idle server, tells its state, its health, and stops what is active', async () => {
    await using repo = await repository()
    const runner = await repo.job()
    const wait = await repo.step(runner, {command: 'wait-idle', 'stable-for': '0'})
    expect(wait.main.exitCode).toBe(0)
    expect(wait.outputs).toMatchObject({status: 'idle', idle: 'true', 'timed-out': 'false'})
    const status = await repo.step(runner, {command: 'status'})
    expect(status.outputs).toMatchObject({status: 'completed', idle: 'true', 'generations-running': '0'})
    const doctor = await repo.step(runner, {command: 'doctor'})
    expect(doctor).toMatchObject({main: {exitCode: 0, summary: expect.stringMatching(/A pipeline would work/)}})
    const cancel = await repo.step(runner, {command: 'cancel', all: 'true'})
    expect(cancel.main).toMatchObject({exitCode: 0, log: expect.stringMatching(/Nothing of this workspace is active/)})
    // Only what looks at earlier runs asks for their state.
    expect(repo.services.calls).toEqual(['GetCacheEntryDownloadURL'])
  })

  test('keeps what it is told to, for as long as it is told to', async () => {
    await using repo = await repository({faults: [{when: {nth: 3}, times: 1, do: {error: 'no'}}]})
    const first = await repo.job({run: 1})
    await repo.step(first, {cache: 'write', 'retention-days': '3'})
    const [artifact] = repo.services.artifacts
    const days = (Date.parse(artifact?.expiresAt ?? '') - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(2.9)
    expect(days).toBeLessThan(3.1)
    expect(repo.services.calls).not.toContain('GetCacheEntryDownloadURL')

    const unwritten = await repo.job({run: 2, on: first, files: ['assets']})
    await unwritten.write('ag.yaml', MANIFEST.replace('a secret sun', 'another sun'))
    const failed = await repo.step(unwritten, {cache: 'read', history: 'on-failure', retries: '0'})
    expect(failed.outputs).toMatchObject({
      kept: '1',
      failed: '1',
      'history-artifact': expect.stringMatching(/-2-1-art-0/),
    })
    expect(repo.services.entries).toHaveLength(1)

    const fine = await repo.step(unwritten, {cache: 'off', history: 'on-failure'}, {id: 'again'})
    expect(fine.outputs).toMatchObject({made: '1', 'history-artifact': '', 'state-key': ''})
    expect(repo.services.entries).toHaveLength(1)
    expect(repo.services.artifacts).toHaveLength(2)
  })

  test('hears the second signal of a runner, and leaves at once; post does the rest', async () => {
    await using repo = await repository({step_ms: 400, steps: 20, interrupt_ms: 3000})
    const strike = {
      how: 'terminate',
      when: () => until('a picture at the server', async () => (await repo.busy()) > 0),
    } as const
    const {main, post, state} = await repo.step(await repo.job(), {}, {strike})
    expect({code: main.exitCode, signal: main.signal, state}).toMatchObject({
      code: 143,
      signal: undefined,
      state: {interrupted: 'true'},
    })
    expect(post?.log).toMatch(/is cancelled/)
    expect(await repo.busy()).toBe(0)
  })

  test('ends a wait with a busy server at the deadline, as on-timeout says', async () => {
    await using repo = await repository({foreign: {live_gens: 1}})
    const runner = await repo.job()
    const inputs = {command: 'wait-idle', timeout: '300ms', 'stable-for': '0'}
    const failed = await repo.step(runner, inputs)
    expect(failed).toMatchObject({main: {exitCode: 124}, outputs: {status: 'timed-out', 'timed-out': 'true'}})
    expect(failed.main.summary).toMatch(/is busy/)
    const passed = await repo.step(runner, {...inputs, 'on-timeout': 'continue'})
    expect(passed).toMatchObject({main: {exitCode: 0}, outputs: {status: 'busy', 'timed-out': 'true', idle: 'false'}})
  })

  test('cancelled while a service hangs, ends at once; post keeps what main did not', async () => {
    for (const [hanging, made, entries, artifacts] of [
      ['GetCacheEntryDownloadURL', '0', [], []],
      ['CreateCacheEntry', '2', ['post'], ['post']],
      ['FinalizeCacheEntryUpload', '2', ['post'], ['post']],
      ['CreateArtifact', '2', ['main'], ['post']],
      ['FinalizeArtifact', '2', ['main'], ['post']],
    ] as const) {
      await using repo = await repository({}, {hanging: [hanging]})
      const strike = {
        how: 'cancel',
        when: () => until(`a call of ${hanging}`, () => repo.services.calls.includes(hanging)),
      } as const
      const {main, outputs, post} = await repo.step(await repo.job(), {}, {strike})
      expect([hanging, main.signal, main.milliseconds < 3000]).toEqual([hanging, undefined, true])
      expect(outputs).toMatchObject({made, 'state-key': ''})
      const phase = (name: string): string => (/post\/?$/.test(name) ? 'post' : 'main')
      expect([hanging, repo.services.entries.map(({key}) => phase(key))]).toEqual([hanging, entries])
      expect([hanging, repo.services.artifacts.map(({name}) => phase(name))]).toEqual([hanging, artifacts])
      expect(annotations(post ?? main, 'warning')).toEqual([])
    }
  })

  test('does not put a state of its own before one that the service did not deliver', async () => {
    await using repo = await repository({}, {failing: [{method: 'GetCacheEntryDownloadURL', status: 500}]})
    const {main, outputs} = await repo.step(await repo.job(), {}, {env: QUICK})
    expect({code: main.exitCode, made: outputs['made']}).toEqual({code: 0, made: '2'})
    expect(main.log).toMatch(/Nothing was restored: the cache could not be read/)
    expect(repo.services.entries).toEqual([])
  })

  test('does not put a state of its own before one that came too late', async () => {
    await using repo = await repository({}, {hanging: ['GetCacheEntryDownloadURL']})
    const {main, outputs} = await repo.step(await repo.job(), {}, {env: QUICK})
    expect({code: main.exitCode, made: outputs['made']}).toEqual({code: 0, made: '2'})
    expect(main.log).toMatch(/Nothing was restored: the cache did not answer in 60 s/)
    expect(main.log).toMatch(/The state was not kept: later runs would find it instead/)
    expect(repo.services.entries).toEqual([])
    expect(repo.services.artifacts).toHaveLength(1)
  })

  test('cancelled while it waits, says for what and how long', async () => {
    await using repo = await repository({foreign: {live_gens: 1}})
    const strike = {
      how: 'cancel',
      when: (log: () => string) => until('a word of the busy server', () => /is busy/.test(log())),
    } as const
    const {main, outputs} = await repo.step(await repo.job(), {'wait-idle': 'true'}, {strike})
    expect(main.exitCode).toBe(130)
    expect(outputs).toMatchObject({status: 'cancelled', made: '0', pictures: '[]'})
    expect(main.summary).toMatch(/^### ⏹️ ag generate: cancelled before anything was done/)
    expect(main.summary).toMatch(/Waited \ds for the server:\n\n- .* is busy/)
  })

  test('killed in a recovery, changes nothing that main had not changed', async () => {
    await using repo = await repository({step_ms: 400, steps: 20})
    const runner = await repo.job({run: 1})
    const strike = {
      how: 'lose',
      when: () => until('a picture at the server', async () => (await repo.busy()) > 0),
    } as const
    await repo.step(runner, {}, {strike})
    const before = histories(runner).map((name) =>
      readFileSync(join(runner.workspace, '.ag', 'sessions', name), 'utf8'),
    )
    const crash = {
      how: 'crash',
      when: (log: () => string) => until('a word of what was restored', () => /was restored/.test(log())),
    } as const
    const again = await repo.step(runner, {command: 'recover'}, {strike: crash, id: 'r'})
    expect(again.post?.exitCode).toBe(0)
    const after = histories(runner).map((name) => readFileSync(join(runner.workspace, '.ag', 'sessions', name), 'utf8'))
    expect(after).toEqual(before)
  })

  test('names pictures where they are: with a state file elsewhere, through a link, with spaces in the path', async () => {
    await using repo = await repository()
    const runner = await repo.job({path: 'my work/game'})
    const made = await repo.step(runner, {'state-file': 'build/state.json', 'upload-pictures': 'true'})
    expect(made.outputs).toMatchObject({pictures: '["assets/sun.png","assets/moon.png"]', 'output-dir': 'assets'})
    expect(made.outputs['pictures-artifact']).not.toBe('')
    expect(made.main.log).toMatch(/Kept the histories of 2 sessions/)

    const link = join(dirname(runner.workspace), 'link')
    symlinkSync(runner.workspace, link)
    const linked = await repo.step(runner, {'state-file': 'build/state.json'}, {env: {GITHUB_WORKSPACE: link}, id: 'x'})
    expect(linked.outputs).toMatchObject({kept: '2', pictures: '["assets/sun.png","assets/moon.png"]'})
  })

  test('keeps its state although the runner has a space in its path', async () => {
    await using repo = await repository()
    const temp = await mkdtemp(join(tmpdir(), 'ag temp '))
    try {
      const {main} = await repo.step(await repo.job(), {}, {env: {RUNNER_TEMP: temp}})
      expect(main.log).toMatch(/Kept the histories of 2 sessions/)
    } finally {
      await rm(temp, {recursive: true, force: true})
    }
  })

  test('succeeds although there is no folder for temporary files', async () => {
    await using repo = await repository()
    const {main, outputs} = await repo.step(await repo.job(), {}, {env: {RUNNER_TEMP: '/nonexistent/x'}})
    expect({code: main.exitCode, made: outputs['made'], report: outputs['report']}).toEqual({
      code: 0,
      made: '2',
      report: '',
    })
    expect(
      annotations(main, 'warning')
        .map(({message}) => message)
        .join(),
    ).toMatch(/The histories were not kept/)
    expect(main.summary).toMatch(/2 pictures made/)
  })

  test('tells what it wrote by the histories, whatever the clock does', async () => {
    await using repo = await repository()
    const first = await repo.job()
    await repo.step(first)
    const again = await repo.job({run: 2, on: first, files: ['.ag', 'assets']})
    const inFuture = join(again.workspace, '.ag', 'sessions')
    for (const name of readdirSync(inFuture)) {
      const path = join(inFuture, name)
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/"timestamp":"\d{4}/g, '"timestamp":"2999'))
    }
    const {main} = await repo.step(again)
    expect(main.log).toMatch(/No session was written to/)
  })

  test('uploads what it recovers, wherever the histories are', async () => {
    await using repo = await repository({step_ms: 100, steps: 20})
    const job = await repo.job()
    const busy = () => until('a picture at the server', async () => (await repo.busy()) > 0)
    await repo.step(job, {'state-dir': '.state'}, {strike: {how: 'lose', when: busy}})
    await until('an idle server', async () => (await repo.busy()) === 0)
    const {outputs} = await repo.step(job, {
      command: 'recover',
      apply: 'true',
      'state-dir': '.state',
      'upload-pictures': 'true',
    })
    expect(Number(outputs['recovered'])).toBeGreaterThan(0)
    expect(outputs['pictures-artifact']).not.toBe('')
  })

  test('told of an input that is wrong, has a summary, and speaks of inputs', async () => {
    await using repo = await repository()
    const wrong = await repo.step(await repo.job(), {retries: 'many'})
    expect(wrong.main).toMatchObject({exitCode: 2, summary: expect.stringMatching(/The input retries is/)})
    const runner = await repo.job()
    await runner.write('assets/sun.png', 'somebody drew this')
    const {main, outputs} = await repo.step(runner)
    expect(outputs).toMatchObject({status: 'usage', made: '0', pictures: '[]'})
    expect(main.summary).toMatch(/pass the input overwrite/)
    const nowhere = await (await repo.job()).step({}, {env: {AG_SERVER: ''}})
    expect(annotations(nowhere.main, 'error')[0]?.message).toMatch(/The input server is empty/)
  })

  test.each([
    ['with another white space', 'prompt: "a secret\\n  sun"', 'a secret sun'],
    ['only its beginning', `prompt: "a secret ${'very '.repeat(200)}bright sun"`, `a secret ${'very '.repeat(200)}`],
    ['of what is not to be seen', 'prompt: sun, negative_prompt: "a secret moon"', 'no a secret moon'],
  ])('hides a prompt that the server quotes: %s', async (_how, asset, quoted) => {
    await using repo = await repository({faults: [{do: {error: `Cannot draw "${quoted}"`}}]})
    const runner = await repo.job({payload: {repository: {id: 1, private: false}}})
    const defaults = 'defaults: {model: mock/sdxl-base, width: 64, height: 64, steps: 4}'
    await runner.write('ag.yaml', `${defaults}\nassets: [{id: sun, ${asset}}]\n`)
    const {main, outputs} = await repo.step(runner, {retries: '0'})
    expect(main.exitCode).toBe(6)
    const report = await readFile(outputs['report'] ?? '', 'utf8')
    const said = annotations(main, 'error').map(({message}) => message)
    for (const text of [main.log, main.summary, report, ...said, unzippedText(repo.services.artifacts)]) {
      expect(text).not.toMatch(/a secret/)
    }
    expect(said[0]).toMatch(/the message quotes the prompt/)
  })

  test('tells of what a recovery made again, without the words of the server where prompts are hidden', async () => {
    await using repo = await repository({step_ms: 400, steps: 20})
    const runner = await repo.job({payload: {repository: {id: 1, private: false}}})
    const strike = {
      how: 'lose',
      when: () => until('a picture at the server', async () => (await repo.busy()) > 0),
    } as const
    await repo.step(runner, {}, {strike})
    repo.mock.control({restart: true, faults: [{when: {prompt: 'moon'}, do: {error: 'Cannot draw "a secret moon"'}}]})
    const inputs = {
      command: 'recover',
      apply: 'true',
      resubmit: 'true',
      'give-up-after': '0',
      'upload-pictures': 'true',
    }
    const {main} = await repo.step(runner, inputs, {id: 'again'})
    const told = repo.services.artifacts.filter(({name}) => name.startsWith('ag-history'))
    expect(`${main.log}${main.summary}${unzippedText(told)}`).not.toMatch(/a secret/)
    expect(
      annotations(main, 'error')
        .map(({message}) => message)
        .join(),
    ).toMatch(/could not be made again/)
    expect(main.summary).toMatch(/assets&#47;sun\.png/)
    const pictures = repo.services.artifacts.find(({name}) => name.startsWith('ag-pictures'))
    expect(Object.keys(pictures ? unzipped(pictures) : {})).toEqual(['assets/sun.png'])
  })

  test("'s history artifact, unpacked elsewhere, tells ag there what became of each picture", async () => {
    await using repo = await repository()
    const made = await repo.step(await repo.job())
    const elsewhere = await repo.job()
    const sessions = join(elsewhere.workspace, '.ag', 'sessions')
    mkdirSync(sessions, {recursive: true})
    for (const [name, text] of repo.services.artifacts.flatMap((artifact) => Object.entries(unzipped(artifact)))) {
      writeFileSync(join(sessions, name), text)
    }
    const env = {AG_SERVER: repo.mock.url}
    const recover = await ag(['recover', '--apply'], {cwd: elsewhere.workspace, env})
    expect({code: recover.exitCode, out: recover.stdout}).toEqual({
      code: 0,
      out: expect.stringMatching(/Nothing to recover/),
    })
    const status = await ag(['status', '--json'], {cwd: elsewhere.workspace, env})
    expect(JSON.parse(status.stdout)).toMatchObject({active_generations: [], orphaned_generations: []})
    // And the command that the log ends with makes the same pictures, byte for byte.
    const [, command = ''] = /The same on a machine of your own: ag (.*)/.exec(made.main.log) ?? []
    const again = await ag(command.split(' '), {cwd: elsewhere.workspace, env})
    expect(again.stdout).toMatch(/Finished before, and found: 2 pictures/)
  })
})

function onlyEntry({services}: Repository) {
  const [entry] = services.entries
  if (!entry) throw new Error('Nothing was saved.')
  return entry
}

function unzippedText(artifacts: readonly StoredArtifact[]): string {
  return artifacts.flatMap((artifact) => Object.values(unzipped(artifact))).join('\n')
}

/** An archive as somebody would plant it: absolute names, names that climb out, other files; and one session that is sound. */
function plantedArchive(folder: string, outside: string): Buffer {
  const inside = join(folder, 'inside')
  mkdirSync(inside)
  const line = {
    timestamp: '2026-01-01T00:00:00.000Z',
    session: 'gen-planted-sun',
    status: 'completed',
    progress: 1,
    message: 'Done',
    task_id: 'planted',
    metadata: {asset: 'sun'},
    ag: {v: 1, seq: 1, epoch: 1, ev: 'completed', state: 'failed', own: 'o-1', t0: '2026-01-01T00:00:00.000Z'},
  }
  const bad = JSON.stringify({...line, session: '../../escape'})
  writeFileSync(join(inside, 'ag-state.jsonl'), `not json\n${JSON.stringify(line)}\n${bad}\n`)
  writeFileSync(join(inside, 'x.jsonl'), 'x\n')
  writeFileSync(join(outside, 'absolute'), 'x\n')
  writeFileSync(join(folder, 'dotdot'), 'x\n')
  const archive = join(folder, 'planted.tar')
  const names = [join(outside, 'absolute'), '../dotdot', 'x.jsonl', 'ag-state.jsonl']
  execFileSync('tar', ['--zstd', '-cPf', archive, '-C', inside, ...names])
  for (const path of [join(outside, 'absolute'), join(folder, 'dotdot')]) execFileSync('rm', [path])
  return execFileSync('cat', [archive], {maxBuffer: 2 ** 24})
}
