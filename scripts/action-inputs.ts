import type {Command} from '@oclif/core'
import {stringify} from 'yaml'

/** The commands that the action has, as oclif names them. */
export const ACTION_COMMANDS = [
  'generate',
  'generate:image',
  'wait-idle',
  'status',
  'recover',
  'cancel',
  'doctor',
] as const

const IMAGE = 'generate with a prompt'

function inWords(id: string): string {
  return id === 'generate:image' ? IMAGE : id
}

/** Flags that are about a terminal: how something is printed. */
const NOT_FOR_ACTIONS = new Set(['json', 'quiet', 'events', 'format', 'watch', 'help'])

export interface FlagOfCommands {
  readonly name: string
  readonly env: string | undefined
  /** By command: what it does there, and its default. */
  readonly uses: readonly {
    readonly command: string
    readonly description: string
    readonly default: string | undefined
  }[]
}

type CachedFlag = Command.Flag.Cached & {default?: unknown; env?: string; options?: readonly string[]}

interface CommandLike {
  readonly id: string
  readonly flags: Readonly<Record<string, unknown>>
}

/** The flags of all commands that are inputs of the action, each once. */
export function flagsForAction(commands: readonly CommandLike[]): readonly FlagOfCommands[] {
  const flags = new Map<string, {env: string | undefined; uses: FlagOfCommands['uses'][number][]}>()
  for (const id of ACTION_COMMANDS) {
    for (const [name, flag] of Object.entries(commands.find((command) => command.id === id)?.flags ?? {})) {
      const {description = '', env, type, options, ...rest} = flag as CachedFlag
      // How often status --watch looks.
      if (NOT_FOR_ACTIONS.has(name) || (id === 'status' && name === 'interval')) continue
      const preset = type === 'boolean' ? 'false' : rest.default === undefined ? undefined : String(rest.default)
      const known = flags.get(name) ?? {env, uses: []}
      const choices = options && !description.includes(options[0] ?? '') ? ` One of ${options.join(', ')}.` : ''
      known.uses.push({command: inWords(id), description: description + choices, default: preset})
      flags.set(name, known)
    }
  }
  return [...flags].map(([name, {env, uses}]) => ({name, env, uses}))
}

/**
 * The default that action.yml can state: one that holds for all commands that have the flag, and that no variable of the
 * environment would have replaced.
 */
export function statedDefault({env, uses}: FlagOfCommands): string | undefined {
  const presets = new Set(uses.map((use) => use.default))
  return presets.size === 1 && env === undefined ? uses[0]?.default : undefined
}

/** These flags as inputs of action.yml, indented as they stand there. */
export function inputBlock(flags: readonly FlagOfCommands[]): string {
  const inputs = flags.map((flag) => {
    const preset = statedDefault(flag)
    const input = {description: describe(flag), ...(preset === undefined ? {} : {default: preset})}
    return stringify(
      {[flag.name]: input},
      {lineWidth: 0, singleQuote: true, defaultStringType: 'QUOTE_SINGLE', defaultKeyType: 'PLAIN'},
    )
  })
  return inputs.join('').trimEnd().replace(/^/gm, '  ')
}

/** What the input does, for each command that takes it, in as few words as there are differences. */
function describe({uses, env}: FlagOfCommands): string {
  const presets = new Set(uses.map((use) => use.default))
  const words = new Map<string, string[]>()
  for (const {command, description, default: preset} of uses) {
    const own = presets.size > 1 && preset !== undefined ? ` Default: ${preset}.` : ''
    const text = description.includes('Default:') ? description : description + own
    words.set(text, [...(words.get(text) ?? []), command])
  }
  const [only] = words.keys()
  const shared = words.size === 1 && uses.length === ACTION_COMMANDS.length
  const parts = shared ? [only ?? ''] : [...words].map(([text, of]) => `${commandsOf(of)}: ${lower(text)}`)
  const [preset] = presets.size === 1 ? presets : []
  const otherwise = preset === undefined || preset === 'false' ? '' : `, else ${preset}`
  const fallback = env === undefined ? '' : ` Without it: the variable ${env}${otherwise}.`
  return forInputs(parts.join(' ')) + fallback
}

function commandsOf(commands: readonly string[]): string {
  if (commands.length > 3)
    return `all but ${ACTION_COMMANDS.filter((id) => !commands.includes(inWords(id)))
      .map(inWords)
      .join(', ')}`
  if (commands.includes('generate')) return commands.filter((command) => command !== IMAGE).join(', ')
  return commands.join(', ')
}

/** What flags are repeated for, an input has lines for. */
function forInputs(text: string): string {
  return text
    .replaceAll('<%= config.bin %>', 'ag')
    .replace(/; repeatable \(in AG_SERVER separated by spaces\)/, '; several separated by spaces')
    .replace(/; repeatable \(in AG_HEADER one a line\)/, ' as name=value; several one a line')
    .replace(/[;,] repeatable\b/, '; several one a line')
    .replace(/--([a-z-]+)/g, '$1')
    .replace(', run COMMAND', '')
    .replace('Default: this folder', 'Default: the root of the checkout')
}

function lower(text: string): string {
  return /^[A-Z][a-z]*[ ,.]/.test(text) ? (text[0] ?? '').toLowerCase() + text.slice(1) : text
}
