import {execute} from '@oclif/core'

/** Runs the command line. `dir` is the `import.meta.url` of a file inside the package. */
export async function main(dir: string): Promise<void> {
  await execute({dir})
}
