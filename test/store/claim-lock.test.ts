import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {systemClock} from '../../src/clock.ts'
import {withClaimLock} from '../../src/store/claim-lock.ts'
import {tryLock} from '../../src/store/kernel-lock.ts'
import {layoutOf} from '../../src/store/layout.ts'
import {temporaryFolder} from '../support/folder.ts'

function layout(folder: string) {
  const layout = layoutOf({stateDir: folder, stateFile: join(folder, 'state.json')})
  mkdirSync(layout.locks, {recursive: true})
  return layout
}

const impatient = {...systemClock, sleep: async () => {}}

describe('the lock on what is nobody’s', () => {
  test('lets one in at a time, in the order they came, and gives each its own result', async () => {
    await using folder = temporaryFolder()
    const at = layout(folder.path)
    const order: string[] = []
    const turns = ['a', 'b', 'c'].map((name) =>
      withClaimLock(at, systemClock, async () => {
        order.push(`${name} in`)
        await new Promise((resolve) => setImmediate(resolve))
        order.push(`${name} out`)
        return name
      }),
    )
    expect(await Promise.all(turns)).toEqual(['a', 'b', 'c'])
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  })

  test('is free again after a failure, which only its cause hears of', async () => {
    await using folder = temporaryFolder()
    const at = layout(folder.path)
    const failing = withClaimLock(at, systemClock, () => Promise.reject(new Error('planted')))
    const next = withClaimLock(at, systemClock, async () => 'next')
    await expect(failing).rejects.toThrow('planted')
    expect(await next).toBe('next')
    const lock = await tryLock(join(at.locks, 'claim.lock'))
    expect(lock).toBeDefined()
    lock?.release()
  })

  test('that others do not give away is not waited for for ever, by any of those who wait', async () => {
    await using folder = temporaryFolder()
    const at = layout(folder.path)
    const held = await tryLock(join(at.locks, 'claim.lock'))
    const turns = [1, 2].map(() => withClaimLock(at, impatient, async () => 'in'))
    expect(await Promise.all(turns)).toEqual([undefined, undefined])
    held?.release()
    expect(await withClaimLock(at, impatient, async () => 'in')).toBe('in')
  })

  test('that cannot be taken at all fails everybody who waits, by name', async () => {
    await using folder = temporaryFolder()
    const at = layout(folder.path)
    mkdirSync(join(at.locks, 'claim.lock'))
    const turns = [1, 2].map(() => withClaimLock(at, impatient, async () => 'in'))
    for (const turn of await Promise.allSettled(turns)) {
      expect(turn).toMatchObject({status: 'rejected', reason: {name: 'StorageError'}})
    }
  })
})
