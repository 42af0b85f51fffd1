import type * as z from 'zod'
import {nearest} from '../nearest.ts'
import {foreignLine} from '../text.ts'
import type {ManifestProblem} from './manifest-error.ts'
import type {ManifestText} from './manifest-text.ts'
import {manifestSchema} from './schema.ts'

type Issue = z.core.$ZodIssue

/** What the schema found, as problems for people: where it is, what was expected, what is there, what may be meant. */
export function explain(issues: readonly Issue[], text: ManifestText): ManifestProblem[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [text.problem(issue.path, describe(issue))]
    return issue.keys.map((key) => text.problem(issue.path, unknownKey(key, issue.path), key))
  })
}

/** What is wrong with one value, in words. */
export function describe(issue: Issue): string {
  const inner = issue.code === 'invalid_union' ? formMeant(issue.errors) : undefined
  if (inner) return inner.map(describeInside).join('; ')
  const expected = expectation(issue)
  if (issue.input === undefined) return `is missing (expected ${expected})`
  return `expected ${expected}, got ${show(issue.input)}`
}

/** What is wrong with the one form of several that a value was meant to have: what is a map cannot be a text. */
function formMeant(forms: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const possible = forms.filter((issues) => !issues.some(({code, path}) => path.length === 0 && OTHER_FORM.has(code)))
  return possible.length === 1 ? possible[0] : undefined
}

const OTHER_FORM: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value'])

function describeInside(issue: Issue): string {
  if (issue.code === 'unrecognized_keys')
    return `unknown key ${issue.keys.map((key) => `"${foreignLine(key, 60)}"`).join(', ')}`
  return issue.path.length === 0 ? describe(issue) : `${issue.path.join('.')}: ${describe(issue)}`
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected
    case 'too_small':
      return issue.origin === 'string'
        ? 'a text that is not empty'
        : `${TYPES[issue.origin] ?? 'a value'} of at least ${issue.minimum}`
    case 'too_big':
      return `${TYPES[issue.origin] ?? 'a value'} of at most ${issue.maximum}`
    case 'invalid_format':
      return issue.message
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ')
    case 'invalid_union': {
      const choices = new Set(
        issue.errors.flatMap((branch) => branch.filter(({path}) => path.length === 0).map(expectation)),
      )
      const deeper = issue.errors.flat().find(({path}) => path.length > 0)
      return choices.size > 0
        ? [...choices].join(' or ')
        : deeper
          ? `${deeper.path.join('.')}: ${describe(deeper)}`
          : 'another value'
    }
    default:
      return issue.message
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of keys and values',
  array: 'a list',
  record: 'a map of keys and values',
  null: 'null',
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value !== null && typeof value === 'object') return 'a map'
  return typeof value === 'string' ? `the text "${foreignLine(value, 60)}"` : String(value)
}

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const near = nearest(key.replaceAll('-', '_'), keysAt(path))
  const shown = foreignLine(key, 60)
  if (near.length > 0) return `unknown key "${shown}", did you mean "${near[0]}"?`
  return `unknown key "${shown}"; parameters of the server go under "params"`
}

/** The keys that may stand at a path, by walking the schema's own JSON form. */
function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const last = path.findLast((part) => typeof part === 'string')
  const shape = manifestSchema.shape
  if (path.length === 0) return Object.keys(shape)
  if (last === 'defaults') return Object.keys(shape.defaults.unwrap().unwrap().shape)
  const asset = shape.assets.unwrap().unwrap().element.shape
  if (last === 'assets') return Object.keys(asset)
  if (last === 'loras') return ['name', 'weight']
  return ['name', 'assets', 'groups', ...Object.keys(asset).filter((key) => key !== 'id' && key !== 'prompt')]
}
