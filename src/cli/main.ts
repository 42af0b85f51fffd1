import {execute} from '@oclif/core'
import {outliveReaders} from './outlive-readers.ts'

/** Runs the command line: `dir` is the `import.meta.url` of a file inside the package, or oclif is told where the package is. */
export async function main(where: Parameters<typeof execute>[0]): Promise<void> {
  outliveReaders()
  const [first, ...rest] = process.argv.slice(2)
  // As people type it who know other tools.
  await execute({...where, ...(first === 'help' ? {args: [...rest, '--help']} : {})})
}
