import {readdirSync, statSync, utimesSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {keptSession} from '../../src/store/kept-session.ts'
import {temporaryFolder} from '../support/folder.ts'

describe('a SwarmUI session kept for the next process', () => {
  test('is kept for each server and identity, for this user alone', async () => {
    await using folder = temporaryFolder()
    const mine = keptSession('http://x', {token: 'a'}, folder.path)
    expect(await mine.load()).toBeUndefined()
    await mine.save({session_id: 's'})
    expect(await mine.load()).toEqual({session_id: 's'})
    expect(await keptSession('http://x', {token: 'b'}, folder.path).load()).toBeUndefined()
    expect(await keptSession('http://y', {token: 'a'}, folder.path).load()).toBeUndefined()
    const [name = ''] = readdirSync(folder.path)
    expect(statSync(join(folder.path, name)).mode & 0o777).toBe(0o600)
    expect(name).not.toMatch(/http|token/)
  })

  test('is forgotten after an hour: version and permissions may have changed', async () => {
    await using folder = temporaryFolder()
    const kept = keptSession('http://x', {}, folder.path)
    await kept.save({session_id: 's'})
    const [name = ''] = readdirSync(folder.path)
    const before = Date.now() / 1000 - 3700
    utimesSync(join(folder.path, name), before, before)
    expect(await kept.load()).toBeUndefined()
  })

  test('costs nothing but itself where it cannot be kept', async () => {
    await using folder = temporaryFolder()
    const file = await folder.write('file', '')
    const kept = keptSession('http://x', {}, join(file, 'below'))
    await expect(kept.save({})).resolves.toBeUndefined()
    expect(await kept.load()).toBeUndefined()
  })
})
