import {existsSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {expect, test} from '@jest/globals'
import {MUTATIONS} from './mutations.ts'

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url))
}

test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  'the planted bug "%s" still has its place, and tests that are to notice it',
  (_name, {file, find, replace, tests}) => {
    expect(readFileSync(pathOf(file), 'utf8').split(find)).toHaveLength(2)
    expect(replace).not.toBe(find)
    for (const name of tests) expect(existsSync(pathOf(name))).toBe(true)
  },
)
