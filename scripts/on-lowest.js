/**
 * The process tests with the built `ag` on the oldest Node that "engines" allows: `npm run test:lowest`. Only `ag` itself runs on it; the tests are
 * written for the Node that the package is developed with.
 */
import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const {engines} = JSON.parse(readFileSync('package.json', 'utf8'))
if (engines.node !== `>=${process.versions.node}`) {
  throw new Error(`This is Node ${process.versions.node}, and "engines" says ${engines.node}.`)
}
const words = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js']
// The action is run by the runner's Node, never by this one.
const tests = ['test/process', '--testPathIgnorePatterns', 'test/process/action']
const developedWith = join('node_modules', 'node', 'bin', 'node')
const {status} = spawnSync(developedWith, [...words, ...tests], {
  stdio: 'inherit',
  env: {...process.env, AG_TEST_NODE: process.execPath},
})
process.exitCode = status ?? 1
