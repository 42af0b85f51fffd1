import {fileURLToPath} from 'node:url'
import {execa} from 'execa'

/** The built command. */
export const bin = fileURLToPath(new URL('../../bin/ag.js', import.meta.url))

/** Runs the built `ag` as a process, on the Node that runs the tests, with nothing of this machine's environment but the PATH. */
export function ag(
  args: readonly string[],
  {cwd, env, input}: {readonly cwd: string; readonly env?: Record<string, string>; readonly input?: string},
) {
  const {PATH, HOME, TMPDIR, SystemRoot} = process.env
  return execa(process.execPath, [bin, ...args], {
    cwd,
    reject: false,
    extendEnv: false,
    ...(input === undefined ? {} : {input}),
    env: {PATH, HOME, TMPDIR, SystemRoot, XDG_CACHE_HOME: cwd, NO_COLOR: '1', ...env},
  })
}
