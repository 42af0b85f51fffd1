import {setFlagsFromString} from 'node:v8'

/**
 * Keeps V8 from optimising code, and the HTTP parser, in the background: a process cannot end before that is done, and one
 * that makes a handful of requests gains nothing from it. Saves some 25 ms at the exit.
 */
export function preferQuickExit(): void {
  setFlagsFromString('--no-opt')
  setFlagsFromString('--wasm-tiering-budget=1000000000')
}
