import {fileURLToPath} from 'node:url'
import {execa} from 'execa'

/** The built command. */
export const bin = fileURLToPath(new URL('../../bin/ag.js', import.meta.url))

/** The Node that runs it: that of the tests, or an older one, which would not understand the tests themselves (`npm run test:lowest`). */
export const node = process.env['AG_TEST_NODE'] ?? process.execPath

/** Runs the built `ag` as a process, with nothing of this machine's environment but the PATH. */
export function ag(
  args: readonly string[],
  {cwd, env, input}: {readonly cwd: string; readonly env?: Record<string, string>; readonly input?: string},
) {
  const {PATH, HOME, TMPDIR, SystemRoot} = process.env
  return execa(node, [bin, ...args], {
    cwd,
    reject: false,
    extendEnv: false,
    ...(input === undefined ? {} : {input}),
    env: {PATH, HOME, TMPDIR, SystemRoot, XDG_CACHE_HOME: cwd, NO_COLOR: '1', ...env},
  })
}
