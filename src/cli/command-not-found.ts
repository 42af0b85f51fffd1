import type {Hook} from '@oclif/core'
import {ExitCode} from '../errors.ts'
import {nearest} from '../nearest.ts'
import {foreignLine} from '../text.ts'

/** What was typed is no command: says which was meant, or which takes nothing of the kind, and where to read on. */
const commandNotFound: Hook.CommandNotFound = async ({id, config}) => {
  const words = id.split(':')
  const commands = config.commandIDs.map((known) => known.replaceAll(':', ' '))
  const typed = words.join(' ')
  const [command] = commands.filter((known) => `${typed} `.startsWith(`${known} `)).sort((a, b) => b.length - a.length)
  process.stderr.write(`Error: ${command ? needless(typed, command) : unknown(typed, commands)}\n`)
  process.exitCode = ExitCode.usage
}

function needless(typed: string, command: string): string {
  const rest = foreignLine(typed.slice(command.length).trim(), 80)
  return `ag ${command} takes no "${rest}".\nSee ag ${command} --help.`
}

function unknown(typed: string, commands: readonly string[]): string {
  const near = nearest(typed, commands).map((name) => `ag ${name}`)
  const meant = near.length > 0 ? `Did you mean ${near.join(' or ')}? ` : ''
  return `There is no ${typed.startsWith('-') ? 'flag' : 'command'} "${foreignLine(typed, 80)}".\n${meant}See ag --help.`
}

export default commandNotFound
