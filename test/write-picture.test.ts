import {mkdirSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {writePicture} from '../src/write-picture.ts'
import {temporaryFolder} from './support/folder.ts'

describe('a file written whole', () => {
  test('is there with its folders, and nothing else is', async () => {
    await using folder = temporaryFolder()
    await writePicture(join(folder.path, 'a', 'b', 'x.png'), Buffer.from('picture'))
    expect(readFileSync(join(folder.path, 'a', 'b', 'x.png'), 'utf8')).toBe('picture')
    expect(readdirSync(join(folder.path, 'a', 'b'))).toEqual(['x.png'])
  })

  test('replaces what was there', async () => {
    await using folder = temporaryFolder()
    const path = await folder.write('x.png', 'old')
    await writePicture(path, Buffer.from('new'))
    expect(readFileSync(path, 'utf8')).toBe('new')
  })

  test('in a folder that is read-only is an error that says so', async () => {
    // Not even the owner of the machine may write there.
    const readOnly = process.platform === 'darwin' ? '/System/ag/x.png' : '/sys/ag/x.png'
    await expect(writePicture(readOnly, Buffer.from('x'))).rejects.toMatchObject({
      name: 'StorageError',
      exitCode: 1,
      message: /read-only|permission denied|not permitted/,
      next: /Choose a folder that can be written/,
    })
  })

  test('that cannot be written leaves nothing half-written, and says why', async () => {
    await using folder = temporaryFolder()
    mkdirSync(join(folder.path, 'x.png'))
    await folder.write('file', '')
    await expect(writePicture(join(folder.path, 'x.png'), Buffer.from('x'))).rejects.toMatchObject({
      name: 'StorageError',
      message: /there is a folder of that name/,
    })
    await expect(writePicture(join(folder.path, 'file', 'x.png'), Buffer.from('x'))).rejects.toMatchObject({
      name: 'StorageError',
    })
    expect(readdirSync(folder.path).sort()).toEqual(['file', 'x.png'])
  })
})
