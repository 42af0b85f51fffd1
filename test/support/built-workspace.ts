import type {MockOptions} from '../../src/server/mock/options.ts'
import {type MockServer, startMock} from '../../src/server/mock/start.ts'
import {ag} from './ag.ts'
import {INSTANT} from './context.ts'
import {temporaryFolder} from './folder.ts'

const MANIFEST = `
defaults: {model: mock/sdxl-base, steps: 10, width: 64, height: 64}
assets: [{id: sun, prompt: "a sun ::error::x"}, {id: moon, prompt: a moon}]
`

export interface BuiltWorkspace extends AsyncDisposable {
  readonly folder: string
  readonly mock: MockServer
  write(name: string, content: string): Promise<string>
  /** Runs the built `ag` there, with the mock as its server. */
  readonly run: (args: readonly string[], env?: Record<string, string>) => ReturnType<typeof ag>
}

/** A folder with a manifest of two assets, and a mock server of its own. */
export async function builtWorkspace(mockOptions: MockOptions = {}): Promise<BuiltWorkspace> {
  const folder = temporaryFolder()
  const mock = await startMock({...INSTANT, ...mockOptions})
  await folder.write('ag.yaml', MANIFEST)
  return {
    folder: folder.path,
    mock,
    write: folder.write,
    run: (args, env = {}) => ag(args, {cwd: folder.path, env: {AG_SERVER: mock.url, ...env}}),
    [Symbol.asyncDispose]: async () => {
      await mock.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** How many pictures a mock has at its backends. */
export async function activity(url: string): Promise<number> {
  const state = (await fetch(`${url}/Mock/State`).then((answer) => answer.json())) as {activity: {live_gens: number}}
  return state.activity.live_gens
}
