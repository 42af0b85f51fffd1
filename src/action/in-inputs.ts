import {INPUT_NAMES} from './input-schemas.ts'

/** A text that speaks of flags, in the words of a workflow: operations know only the names, which are the same. */
export function inInputs(text: string): string {
  return text.replace(/--([a-z][a-z-]*[a-z])/g, (flag, name) => (INPUT_NAMES.has(name) ? `the input ${name}` : flag))
}
