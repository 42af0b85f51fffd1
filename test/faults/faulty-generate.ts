import {existsSync, readFileSync, rmSync} from 'node:fs'
import {cp} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {execa} from 'execa'
import {readManifest} from '../../src/asset/manifest.ts'
import {systemClock} from '../../src/clock.ts'
import {generate} from '../../src/generate.ts'
import type {GenerateResult} from '../../src/generation/generate-result.ts'
import {SwarmServer} from '../../src/server/swarmui/client.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'

const bin = fileURLToPath(new URL('../../bin/ag.js', import.meta.url))
const shim = fileURLToPath(new URL('fault-shim.mjs', import.meta.url))

/** A call that changes the workspace, by its number, and what happens at it. */
export interface Fault {
  /** Missing: none. */
  readonly at?: number
  readonly do?: 'kill' | 'short' | 'ENOSPC' | 'EROFS' | 'EACCES' | 'EIO'
  /** On a file system without hard links. */
  readonly no_links?: boolean
  /** All further writes fail, too. */
  readonly for_ever?: boolean
}

export const MANIFEST = `
defaults: {model: mock/flux-dev, steps: 2, width: 64, height: 64}
assets: [{id: sun, prompt: a sun}, {id: moon, prompt: a moon}]
`
export const ASSETS = 2

export interface FaultyRun {
  readonly exitCode: number | undefined
  readonly killed: boolean
  readonly stderr: string
  /** The calls that change the workspace, by their names, in order. */
  readonly calls: readonly string[]
}

/** Runs the built `ag generate` in a folder, with a fault in one of its calls to the file system. */
export async function faultyGenerate(folder: string, server: string, fault?: Fault): Promise<FaultyRun> {
  const callsFile = `${folder}.calls`
  const {PATH, HOME} = process.env
  const {exitCode, signal, stderr} = await execa(
    process.execPath,
    ['--import', shim, bin, 'generate', '--run', 'r1', '--concurrency', '1', '--quiet'],
    {
      cwd: folder,
      reject: false,
      extendEnv: false,
      env: {
        PATH,
        HOME,
        AG_SERVER: server,
        XDG_CACHE_HOME: folder,
        AG_FAULT_ROOT: folder,
        AG_FAULT_CALLS: callsFile,
        ...(fault ? {AG_FAULT: JSON.stringify(fault)} : {}),
      },
    },
  )
  const calls = existsSync(callsFile) ? readFileSync(callsFile, 'utf8').trimEnd().split('\n') : []
  rmSync(callsFile, {force: true})
  return {exitCode, killed: signal === 'SIGKILL', stderr, calls}
}

/** Runs `generate` in a folder undisturbed, in this process and without waiting for time to pass. */
export async function generateAgain(folder: string, url: string): Promise<GenerateResult> {
  const clock = {...systemClock, sleep: (ms: number) => systemClock.sleep(Math.min(ms, 5))}
  const place = resolveWorkspace({stateDir: folder, stateFile: undefined})
  const sessions = openWorkspace({...place, clock: systemClock, command: 'test'})
  const server = new SwarmServer(url, {clock})
  try {
    const {assets, outputDirectory} = await readManifest(join(folder, 'ag.yaml'))
    const context = {server, sessions, clock, signal: new AbortController().signal, report: () => {}}
    const run = {run: 'r1', resume: 'adopt', assets, outputDirectory, workspace: folder} as const
    const how = {concurrency: 1, failFast: false, retries: 2, overwrite: false, allowFuzzyModel: false}
    return await generate(context, {...run, ...how})
  } finally {
    await sessions.close()
    await server.close()
  }
}

/** What a runner that vanished leaves to the next one: its manifest, and its histories. */
export async function restoreHistories(from: string, to: string): Promise<void> {
  const histories = join('.ag', 'sessions')
  if (existsSync(join(from, histories))) await cp(join(from, histories), join(to, histories), {recursive: true})
}
