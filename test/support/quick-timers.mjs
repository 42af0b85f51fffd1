// Time runs a hundred times faster for what waits longer than a moment: for libraries that give no way to set their pauses.
import {syncBuiltinESMExports} from 'node:module'
import timers from 'node:timers/promises'

const quick = (ms) => (ms >= 500 ? ms / 100 : ms)

const {setTimeout: original} = globalThis
globalThis.setTimeout = Object.assign((work, ms, ...rest) => original(work, quick(ms), ...rest), original)
const {setTimeout: delay} = timers
timers.setTimeout = (ms, ...rest) => delay(quick(ms), ...rest)
syncBuiltinESMExports()
