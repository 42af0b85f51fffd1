import {isPrompt} from '../session/without-prompts.ts'
import {linesOf} from './input-schemas.ts'
import type {Command, Inputs} from './inputs.ts'

/** What is never written down: the command takes it from the environment. */
const SECRET: Readonly<Record<string, string>> = {
  token: 'AG_TOKEN',
  authorization: 'AG_AUTHORIZATION',
  header: 'AG_HEADER',
}

/** Settings that are lists, a line each. */
const LISTS = new Set(['session', 'complete-when', 'lora', 'param'])

interface Reproduction {
  readonly run: string | undefined
  /** The seed of a picture from a prompt that came without one. */
  readonly seed?: number | undefined
  /** The prompts are not for everybody. */
  readonly redactPrompts: boolean
}

/**
 * The command that does the same on a machine of one's own. With the run's name the pictures come out byte for byte as here: it
 * is part of what they say of themselves.
 */
export function reproduce({command, given}: Inputs, {run, seed, redactPrompts}: Reproduction): string {
  const settings = new Map(given)
  settings.delete('manifest')
  if (command.name === 'cancel') settings.delete('session')
  if (command.name === 'generate' && !command.image && run !== undefined) settings.set('run', run)
  if (command.name === 'generate' && command.image && seed !== undefined) settings.set('seed', String(seed))
  settings.set('server', [command.settings.server].flat().join(' '))
  const flags = [...settings].flatMap(([name, value]) => {
    if (name in SECRET || value === 'false') return []
    if (value === 'true') return [`--${name}`]
    return partsOf(name, value).flatMap((part) => [`--${name}`, redactPrompts ? shown(name, part) : quote(part)])
  })
  const secrets = [...given.keys()].flatMap((name) => SECRET[name] ?? [])
  return [...secrets.map((name) => `${name}=...`), 'ag', ...wordsFor(command), ...flags].join(' ')
}

/** A setting without the prompt that it may be: by itself, or as `key=prompt`. */
function shown(name: string, value: string): string {
  if (isPrompt(name)) return '...'
  const [key = ''] = value.split('=')
  return name === 'param' && isPrompt(key) ? `${key}=...` : quote(value)
}

function partsOf(name: string, value: string): string[] {
  if (name === 'server') return value.split(/\s+/)
  return LISTS.has(name) ? linesOf(value) : [value]
}

function wordsFor(command: Command): string[] {
  switch (command.name) {
    case 'generate':
      return command.image ? ['generate', 'image'] : ['generate', ...positional(command.settings.manifest)]
    case 'recover':
      return ['recover', ...positional(command.settings.manifest)]
    case 'cancel':
      return ['cancel', ...(command.settings.session ?? []).map(quote)]
    default:
      return [command.name]
  }
}

function positional(path: string | undefined): string[] {
  return path === undefined ? [] : [quote(path)]
}

/** A word for a POSIX shell. */
function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
