import {execute} from '@oclif/core'
import {outliveReaders} from './outlive-readers.ts'

/** Runs the command line. `dir` is the `import.meta.url` of a file inside the package. */
export async function main(dir: string): Promise<void> {
  outliveReaders()
  const [first, ...rest] = process.argv.slice(2)
  // As people type it who know other tools.
  await execute({dir, ...(first === 'help' ? {args: [...rest, '--help']} : {})})
}
