import {Command, Flags} from '@oclif/core'
import {AgError, ExitCode, UsageError} from '../errors.ts'
import {redact} from '../secrets.ts'

/**
 * What all commands share: `--json`, and how an error is told. An `AgError` becomes its message and its next step, with the
 * exit code of its class; flags that oclif refuses exit 2; anything else is a bug or the system, exit 1.
 */
export abstract class AgCommand extends Command {
  static override enableJsonFlag = true
  static override baseFlags = {
    quiet: Flags.boolean({char: 'q', description: 'Say nothing but results and errors.', helpGroup: 'GLOBAL'}),
  }

  protected override async init(): Promise<void> {
    await super.init()
    for (const {env, type} of Object.values({...this.ctor.baseFlags, ...this.ctor.flags})) {
      if (type === 'boolean' && env !== undefined) normaliseSwitch(env)
    }
  }

  protected override async catch(error: Error & {exitCode?: number; oclif?: {exit?: number}}): Promise<unknown> {
    const exitCode = error instanceof AgError ? error.exitCode : (error.oclif?.exit ?? ExitCode.unforeseen)
    if (this.jsonEnabled()) {
      this.logJson({...(this.toErrorJson(error) as object), exit_code: exitCode})
      process.exitCode = exitCode
      return undefined
    }
    if (error.oclif !== undefined) return super.catch(error)
    process.stderr.write(`${describe(error)}\n`)
    process.exitCode = exitCode
    return undefined
  }

  /** Says on stderr what went wrong and what to do next; for results that are failures without being exceptions. */
  protected tellError(error: {readonly message: string; readonly next?: string} | undefined, word = 'Error'): void {
    if (!error || this.jsonEnabled()) return
    const {message, next} = error
    process.stderr.write(`${redact(`${word}: ${message}${next ? `\n${next}` : ''}`)}\n`)
  }

  protected override toErrorJson(error: unknown): unknown {
    const {name, message} = error as Error
    const next = error instanceof AgError ? error.next : undefined
    const problems = (error as {problems?: unknown}).problems
    return {
      schemaVersion: 1,
      error: {name, message: redact(message), ...(next ? {next} : {}), ...(problems ? {problems} : {})},
    }
  }
}

const ON = new Set(['true', 'yes', 'y', 'on', '1'])
const OFF = new Set(['false', 'no', 'n', 'off', '0', ''])

/** Has a switch of the environment say true or false: oclif takes every other word that it does not know for off. */
function normaliseSwitch(variable: string): void {
  const value = process.env[variable]?.trim().toLowerCase()
  if (value === undefined) return
  if (!ON.has(value) && !OFF.has(value)) {
    throw new UsageError(`The variable ${variable} is "${value}", and has to be true or false.`, {
      next: 'Mend it, or unset it.',
    })
  }
  process.env[variable] = String(ON.has(value))
}

function describe(error: Error): string {
  if (error instanceof AgError) return redact(`Error: ${error.message}${error.next ? `\n${error.next}` : ''}`)
  const trace = process.env['DEBUG'] ? (error.stack ?? error.message) : error.message
  return redact(`Error: ${trace}\nThis should not happen. Run again with DEBUG=* and report what it prints.`)
}
