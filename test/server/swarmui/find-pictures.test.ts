import {describe, expect, test} from '@jest/globals'
import {SwarmServer} from '../../../src/server/swarmui/client.ts'
import {rehearse} from '../../support/context.ts'
import {recordedServer} from '../../support/recorded-server.ts'

const signal = new AbortController().signal
const parameters = {prompt: 'x', model: 'mock/sdxl-base', width: 64, height: 64, seed: 5}

describe('pictures that a server keeps of a run', () => {
  test.each([
    ['swarmui-0.9.8.2', 'run20e8c2', 4713],
    ['swarmui-0.9.7', 'runa0a41f', 4748],
  ])('are found by the tag in their metadata and by their seed on a recorded %s', async (version, run, at) => {
    await using recorded = await recordedServer(version, '08-client-leaves', at)
    await using server = disposable(new SwarmServer(recorded.url))
    const find = async (seed?: number) =>
      (await server.findPictures(run, [{item: 'hero', ...(seed === undefined ? {} : {seed})}], signal)).get('hero')
    expect(await find(43)).toMatchObject({ref: `View/local/ag/${run}/hero-1.png`, seed: 43})
    expect(await find()).toMatchObject({ref: `View/local/ag/${run}/hero-0.png`, seed: 42})
    expect(await find(99)).toBeUndefined()
  })

  test('are found by their path where this user may not list them', async () => {
    const denied = {error_id: 'bad_permissions', error: 'You do not have permission.'}
    await using at = await rehearse({faults: [{when: {route: 'ListImages'}, do: {json: denied}}]})
    await at.server.generate({parameters, tag: {run: 'r', item: 'a'}}, {signal})
    await at.server.generate({parameters: {...parameters, imageformat: 'JPG'}, tag: {run: 'r', item: 'b'}}, {signal})
    const found = await at.server.findPictures('r', [{item: 'a', seed: 5}, {item: 'b'}, {item: 'c'}], signal)
    expect([...found].sort()).toEqual([
      ['a', {ref: 'View/local/ag/r/a.png', byName: true}],
      ['b', {ref: 'View/local/ag/r/b.jpg', byName: true}],
    ])
  })

  test('are found by their path where the listing is late or tells no metadata', async () => {
    await using at = await rehearse({faults: [{when: {route: 'ListImages'}, do: {json: {folders: [], files: []}}}]})
    await at.server.generate({parameters, tag: {run: 'r', item: 'a'}}, {signal})
    expect((await at.server.findPictures('r', [{item: 'a'}], signal)).get('a')).toEqual({
      ref: 'View/local/ag/r/a.png',
      byName: true,
    })
    at.mock.control({faults: [{when: {route: 'ListImages'}, do: {json: {files: [{src: 'a.png', metadata: null}]}}}]})
    expect((await at.server.findPictures('r', [{item: 'a'}], signal)).get('a')).toEqual({
      ref: 'View/local/ag/r/a.png',
      byName: true,
    })
  })

  test('are not asked for one by one where the folder of an old run is empty', async () => {
    await using at = await rehearse({faults: [{when: {route: 'View'}, do: {status: 500}}]})
    expect((await at.server.findPictures('r', [{item: 'a', longAgo: true}], signal)).size).toBe(0)
    await expect(at.server.findPictures('r', [{item: 'a'}], signal)).rejects.toThrow()
  })

  test('are not those of another item that has taken the name', async () => {
    await using at = await rehearse()
    for (let n = 0; n < 2; n++) await at.server.generate({parameters, tag: {run: 'r', item: 'hero'}}, {signal})
    const found = await at.server.findPictures('r', [{item: 'hero-1'}, {item: 'hero'}], signal)
    expect([...found.keys()]).toEqual(['hero'])
  })

  test('are not looked for by names that ag never gives', async () => {
    await using at = await rehearse()
    await at.mock.close()
    expect((await at.server.findPictures('../x', [{item: 'a'}], signal)).size).toBe(0)
    expect((await at.server.findPictures('r', [{item: '../../a'}], signal)).size).toBe(0)
  })
})

function disposable(server: SwarmServer): SwarmServer & AsyncDisposable {
  return Object.assign(server, {[Symbol.asyncDispose]: () => server.close()})
}
