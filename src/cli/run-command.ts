import {existsSync} from 'node:fs'
import {constants} from 'node:os'
import which from 'which'
import {UsageError} from '../errors.ts'

/** Throws `UsageError` when the first word names no program: better now than after waiting half an hour for its turn. */
export async function findProgram([program = '']: readonly string[]): Promise<string> {
  const path = await which(program, {nothrow: true})
  if (path) return path
  if (program.includes('/') && existsSync(program)) {
    throw new UsageError(`${program} cannot be run.`, {next: `Is it a program? If so: chmod +x ${program}`})
  }
  throw new UsageError(`There is no program "${program}" to run.`, {
    next: 'Check its name, and that it is on the PATH.',
  })
}

/**
 * Runs a program in our place: its input and output are ours, signals go to it, and its exit code is returned as ours; a
 * program that died of a signal counts as 128 and the signal's number, as in a shell.
 */
export async function runProgram(path: string, words: readonly string[]): Promise<number> {
  const {execa} = await import('execa')
  const child = execa(path, words, {stdio: 'inherit', reject: false, cleanup: false})
  const forward = (signal: NodeJS.Signals): void => {
    // Ctrl-C on a terminal reaches the whole process group: a second one would cut the program's own ending short.
    if (signal === 'SIGINT' && process.stdin.isTTY) return
    child.kill(signal)
  }
  for (const signal of FORWARDED) process.on(signal, forward)
  try {
    const {exitCode, signal, shortMessage} = await child
    if (exitCode !== undefined) return exitCode
    if (signal) return 128 + constants.signals[signal]
    throw new UsageError(`${path} cannot be started: ${shortMessage}`, {
      next: 'Check that it is a program for this machine.',
    })
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward)
  }
}

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
