import {mkdir, symlink} from 'node:fs/promises'
import {join, resolve, sep} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import fc from 'fast-check'
import {confine, expandTemplate, inside} from '../../src/asset/output-path.ts'
import {UsageError} from '../../src/errors.ts'
import {temporaryFolder} from '../support/folder.ts'

const values = {id: 'hero', asset: 'hero', group: 'icons/big', index: 1, seed: 42, model: 'a/b c', ext: 'png'}

describe('an output path template', () => {
  test.each([
    ['{group}/{id}.{ext}', 'icons/big/hero.png'],
    ['{id}-{seed}-{index}.{ext}', 'hero-42-1.png'],
    ['{model}/{id}.png', 'a_b c/hero.png'],
    ['fixed/name.png', 'fixed/name.png'],
  ])('%s makes %s', (template, path) => {
    expect(expandTemplate(template, values)).toBe(path)
  })

  test('without a group has no folder for it', () => {
    expect(expandTemplate('{group}/{id}.{ext}', {...values, group: ''})).toBe('hero.png')
  })

  test.each([
    '/x.png',
    '../x.png',
    'a/../x.png',
    'a//x.png',
    './x.png',
    'C:x.png',
    'a\\b.png',
    'a/nul.png',
    'a./x.png',
    'a?.png',
    `${'x'.repeat(300)}.png`,
    'a\u0000.png',
  ])('%j is refused', (template) => {
    expect(() => expandTemplate(template, values)).toThrow(UsageError)
  })

  test('never leaves the output directory, whatever it and its values are', () => {
    const root = resolve('/a/folder/of/outputs')
    const texts = fc.record({
      template: fc.string({unit: 'binary'}),
      id: fc.string({unit: 'binary'}),
      group: fc.string(),
      model: fc.string({unit: 'binary'}),
    })
    fc.assert(
      fc.property(texts, ({template, id, group, model}) => {
        try {
          const path = inside(root, expandTemplate(`${template}{group}/{id}{model}.png`, {...values, id, group, model}))
          expect(resolve(path).startsWith(root + sep)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
        }
      }),
      {numRuns: 2000},
    )
  })
})

describe('right before it is written, a path', () => {
  test('inside the output directory is fine, also before anything exists', async () => {
    await using folder = temporaryFolder()
    const output = join(folder.path, 'out')
    await expect(confine(output, join(output, 'a', 'b.png'))).resolves.toBeUndefined()
  })

  test.each([
    ['a folder that links outside', 'out/link', 'out/link/x.png', /through a symbolic link/],
    ['a file that is a link', 'out/x.png', 'out/x.png', /is a symbolic link/],
    ['a folder that links nowhere', 'out/gone', 'out/gone/x.png', /leads nowhere/],
  ])('through %s is refused', async (_what, link, path, message) => {
    await using folder = temporaryFolder()
    await mkdir(join(folder.path, 'out'))
    if (!link.endsWith('gone')) await mkdir(join(folder.path, 'elsewhere'))
    await symlink(join(folder.path, 'elsewhere'), join(folder.path, link))
    await expect(confine(join(folder.path, 'out'), join(folder.path, path))).rejects.toThrow(message)
  })

  test('where a folder stands is refused', async () => {
    await using folder = temporaryFolder()
    await mkdir(join(folder.path, 'out', 'x.png'), {recursive: true})
    await expect(confine(join(folder.path, 'out'), join(folder.path, 'out', 'x.png'))).rejects.toThrow(
      /There is a folder/,
    )
  })

  test('is fine when the output directory itself is reached through a link', async () => {
    await using folder = temporaryFolder()
    await mkdir(join(folder.path, 'real'))
    await symlink(join(folder.path, 'real'), join(folder.path, 'out'))
    await expect(confine(join(folder.path, 'out'), join(folder.path, 'out', 'x.png'))).resolves.toBeUndefined()
  })
})
