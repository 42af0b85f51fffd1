/** All benchmarks, or those whose names are given: `npm run bench`, `npm run bench -- append race`. */
import {benchActionCancel, benchState, benchWarmStep} from './action.ts'
import {benchColdStart} from './cold-start.ts'
import {benchDownload, benchExit, benchMemory, benchPictures} from './generate.ts'
import {benchAppend, benchRace} from './history.ts'
import type {BenchLine} from './line.ts'
import {benchRecover, benchScan} from './recover.ts'
import {benchWait, benchWaitOwn} from './wait.ts'

const BENCHES: Readonly<Record<string, () => Promise<readonly BenchLine[]>>> = {
  exit: benchExit,
  pictures: () => benchPictures(),
  download: () => benchDownload(),
  append: benchAppend,
  'cold-start': benchColdStart,
  wait: benchWait,
  'wait-own': benchWaitOwn,
  recover: () => benchRecover(),
  scan: () => benchScan(),
  'action-warm': () => benchWarmStep(),
  'action-cancel': () => benchActionCancel(),
  'action-state': () => benchState(),
  memory: () => benchMemory(),
  race: () => benchRace(),
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(BENCHES, name))
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}.`)
  process.exit(2)
}
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  for (const {name: figure, value, unit, aim, met} of await bench()) {
    const number = Number.isInteger(value) ? String(value) : value.toPrecision(3)
    console.log(`${met ? '✓' : '✗'} ${name}: ${figure}: ${number} ${unit} (aim: ${aim})`)
  }
}
