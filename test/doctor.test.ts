import {PassThrough} from 'node:stream'
import {describe, expect, test} from '@jest/globals'
import {type DoctorResult, doctor} from '../src/doctor.ts'
import {doctorReport} from '../src/face/run-doctor.ts'
import type {MockOptions} from '../src/server/mock/options.ts'
import type {SwarmServerOptions} from '../src/server/swarmui/client.ts'
import {rehearse} from './support/context.ts'

const examine = async (mock: MockOptions = {}, identity: SwarmServerOptions = {}): Promise<DoctorResult> => {
  await using at = await rehearse(mock, identity)
  return await doctor(at.context, {proxies: {}})
}
const states = ({checks}: DoctorResult): Record<string, string> =>
  Object.fromEntries(checks.map(({name, state}) => [name, state]))
const works = ({commands}: DoctorResult): Record<string, string> =>
  Object.fromEntries(commands.map(({command, works: how}) => [command, how]))

describe('doctor', () => {
  test('finds that all is well', async () => {
    const result = await examine()
    expect(result.exit_code).toBe(0)
    expect(states(result)).toEqual({server: 'ok', backends: 'ok', clock: 'ok', 'state directory': 'ok'})
    expect(works(result)).toEqual({
      generate: 'fully',
      status: 'fully',
      'wait-idle': 'fully',
      cancel: 'fully',
      recover: 'fully',
    })
    expect(result.checks[0]?.detail).toMatch(/answers at 127\.0\.0\.1 in \d+ ms, as the user "local"/)
  })

  test('says which permission to ask for, and what works without', async () => {
    const result = await examine({users: [{name: 'guest1', role: 'user'}]}, {userId: 'guest1'})
    expect(result.exit_code).toBe(0)
    expect(works(result)).toEqual({
      generate: 'fully',
      status: 'partly',
      'wait-idle': 'partly',
      cancel: 'fully',
      recover: 'fully',
    })
    expect(result.commands.find(({command}) => command === 'wait-idle')).toMatchObject({
      needs: expect.arrayContaining(['read_server_info_panels']),
      detail: expect.stringMatching(/--scope own/),
    })
  })

  test('says that an old server cannot tell the work of others', async () => {
    const result = await examine({version: '0.9.7'})
    expect(works(result)).toMatchObject({generate: 'fully', status: 'partly', 'wait-idle': 'partly'})
    expect(result.commands[1]?.detail).toMatch(/0\.9\.8/)
    expect(result.commands[2]?.detail).toMatch(/0\.9\.8.+: only --scope own gives an answer/)
  })

  test('says that nothing can be made where no backend, or the disk, would let it', async () => {
    const result = await examine({backends: []})
    expect(result.commands[0]).toMatchObject({works: 'no', detail: 'no backend could make a picture'})
    expect(result.exit_code).toBe(5)
    await using at = await rehearse()
    const sessions = Object.assign(Object.create(at.sessions), {
      checkStorage: async () => ({folder: '/', fileSystem: 'ext', writable: false, locks: false, reason: 'EROFS'}),
    })
    const full = await doctor({...at.context, sessions}, {proxies: {}})
    expect(works(full)).toMatchObject({generate: 'no', recover: 'no', status: 'fully'})
    expect(full.exit_code).toBe(1)
  })

  test.each<[string, MockOptions, number, Record<string, string>]>([
    ['no backend', {backends: []}, 5, {backends: 'problem'}],
    ['one errored backend beside a healthy one', {backends: [{}, {status: 'errored'}]}, 0, {backends: 'warning'}],
    [
      'an errored backend beside one for texts',
      {backends: [{type: 'simpleremotellm'}, {status: 'errored'}]},
      5,
      {backends: 'problem'},
    ],
    ['wrong credentials', {authorization: 'secret words'}, 4, {server: 'problem'}],
    ['a server that is away', {down: true}, 3, {server: 'problem'}],
  ])('of %s', async (_what, mock, exitCode, found) => {
    const result = await examine(mock)
    expect(result.exit_code).toBe(exitCode)
    expect(states(result)).toMatchObject({'state directory': 'ok', ...found})
  })

  test('names proxies that are set, since ag does not use them', async () => {
    await using at = await rehearse()
    const result = await doctor(at.context, {proxies: {HTTPS_PROXY: 'http://user:secret@proxy'}})
    expect(states(result)).toMatchObject({proxy: 'warning'})
    expect(JSON.stringify(result)).not.toMatch(/secret/)
  })

  test('leaves nothing in the workspace', async () => {
    await using at = await rehearse()
    await doctor(at.context, {proxies: {}})
    const {readdirSync} = await import('node:fs')
    expect(readdirSync(at.folder)).toEqual([])
  })

  test('tells it in lines', async () => {
    const plain = new PassThrough() as unknown as NodeJS.WriteStream
    const lines = doctorReport(await examine({users: [{name: 'guest1'}]}, {userId: 'guest1'}), plain).split('\n')
    expect(lines).toContainEqual(
      expect.stringMatching(/^✓ state directory {2}.* \(file system \w+\) can be written, and locks work$/),
    )
    expect(lines).toContainEqual(expect.stringMatching(/^! ag wait-idle +works partly: only --scope own/))
    expect(lines).toContainEqual(expect.stringMatching(/^ +Ask for read_server_info_panels,/))
  })
})
