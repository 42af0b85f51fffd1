import type {Hook} from '@oclif/core'
import {ExitCode} from '../errors.ts'
import {nearest} from '../nearest.ts'
import {foreignLine} from '../text.ts'

/** What was typed is no command: says which was meant, or which takes nothing of the kind, and where to read on. */
const commandNotFound: Hook.CommandNotFound = async ({id, argv, config}) => {
  const words = id.split(':')
  const commands = config.commandIDs.map((known) => known.replaceAll(':', ' '))
  const typed = words.join(' ')
  const [command] = commands.filter((known) => `${typed} `.startsWith(`${known} `)).sort((a, b) => b.length - a.length)
  const [message, next] = command ? needless(typed, command) : unknown(typed, commands)
  process.exitCode = ExitCode.usage
  if (argv?.includes('--json'))
    process.stdout.write(`${JSON.stringify({schemaVersion: 1, error: {name: 'UsageError', message, next}})}\n`)
  else process.stderr.write(`Error: ${message}\n${next}\n`)
}

function needless(typed: string, command: string): readonly [string, string] {
  const rest = foreignLine(typed.slice(command.length).trim(), 80)
  return [`ag ${command} takes no "${rest}".`, `See ag ${command} --help.`]
}

function unknown(typed: string, commands: readonly string[]): readonly [string, string] {
  const near = nearest(typed, commands).map((name) => `ag ${name}`)
  const meant = near.length > 0 ? `Did you mean ${near.join(' or ')}? ` : ''
  const kind = typed.startsWith('-') ? 'flag' : 'command'
  return [`There is no ${kind} "${foreignLine(typed, 80)}".`, `${meant}See ag --help.`]
}

export default commandNotFound
