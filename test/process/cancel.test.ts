import {readdirSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {activity, builtWorkspace} from '../support/built-workspace.ts'
import {until} from '../support/until.ts'

describe('ag cancel', () => {
  test('from another terminal stops a run here and on the server', async () => {
    await using at = await builtWorkspace({step_ms: 500})
    const generating = at.run(['generate'])
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    const {exitCode, stdout, stderr} = await at.run(['cancel'])
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^gen-\w+-(sun|moon) is cancelled\.$/),
      expect.stringMatching(/^gen-\w+-(sun|moon) is cancelled\.$/),
      expect.stringMatching(/^The run \w+ has ended\.$/),
    ])
    const run = await generating
    expect({exitCode: run.exitCode, stderr: run.stderr}).toEqual({
      exitCode: 130,
      stderr: expect.stringMatching(/^Error: Cancelled by `ag cancel`\./m),
    })
    expect(await activity(at.mock.url)).toBe(0)
    expect(await at.run(['cancel'])).toMatchObject({exitCode: 0, stdout: 'Nothing of this workspace is active.'})
  })

  test('ends a run that waits for the server to be idle', async () => {
    await using at = await builtWorkspace({foreign: {waiting_gens: 1, live_gens: 1}})
    const generating = at.run(['generate', '--wait-idle', '--run', 'r1'])
    await until('the run at its gate', async () => (await at.run(['status'])).stdout.includes('the run r1'))
    expect(await at.run(['cancel'])).toMatchObject({
      exitCode: 0,
      stdout: 'The run r1 has ended.',
    })
    const {exitCode, stderr} = await generating
    expect({exitCode, stderr}).toEqual({exitCode: 130, stderr: expect.stringMatching(/Cancelled by `ag cancel`/)})
    expect(readdirSync(join(at.folder, '.ag', 'local', 'private'))).toEqual([])
  })

  test('after a kill stops what the dead process left on the server', async () => {
    await using at = await builtWorkspace({step_ms: 500})
    const generating = at.run(['generate'])
    await until('a picture at the server', async () => (await activity(at.mock.url)) > 0)
    generating.kill('SIGKILL')
    await generating
    expect(await activity(at.mock.url)).toBeGreaterThan(0)
    const {exitCode, stdout} = await at.run(['cancel', '--all', '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout).sessions).toMatchObject([{outcome: 'cancelled'}, {outcome: 'cancelled'}])
    expect(await activity(at.mock.url)).toBe(0)
    expect(readdirSync(join(at.folder, '.ag', 'local', 'private'))).toEqual([])
  })

  test('of a name that is none says so with exit code 2', async () => {
    await using at = await builtWorkspace()
    const {exitCode, stderr} = await at.run(['cancel', 'gen-nothing'])
    expect({exitCode, stderr}).toEqual({exitCode: 2, stderr: expect.stringMatching(/no session "gen-nothing"/)})
  })
})

describe('ag doctor', () => {
  test('prints its findings, and exits with what a pipeline would meet', async () => {
    await using at = await builtWorkspace()
    const {exitCode, stdout} = await at.run(['doctor'])
    expect({exitCode, stdout}).toEqual({exitCode: 0, stdout: expect.stringMatching(/✓ ag wait-idle +works fully/)})
    at.mock.control({backends: []})
    expect((await at.run(['doctor', '--json'])).exitCode).toBe(5)
  })
})
