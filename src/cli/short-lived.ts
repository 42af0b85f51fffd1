import {setFlagsFromString} from 'node:v8'

/**
 * Keeps V8 from optimising the HTTP parser in the background: a process cannot end before that is done (some 25 ms), and one
 * that makes a handful of requests gains nothing from it.
 */
export function preferQuickExit(): void {
  setFlagsFromString('--wasm-tiering-budget=1000000000')
}
