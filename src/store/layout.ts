import {realpathSync} from 'node:fs'
import {dirname, join, resolve} from 'node:path'

/** Where everything of a workspace lies (design: "On disk"). All paths absolute. */
export interface Layout {
  readonly root: string
  readonly sessions: string
  readonly local: string
  readonly active: string
  readonly owners: string
  readonly locks: string
  readonly private: string
  readonly runs: string
  readonly cancel: string
  readonly settled: string
  readonly quarantine: string
  readonly gitignore: string
  readonly stateFile: string
}

export interface WorkspacePlace {
  /** Absolute; what paths in histories are relative to. */
  readonly stateDir: string
  /** Absolute. */
  readonly stateFile: string
}

const STATE_FILE = '.asset-generator-state.json'

/**
 * The workspace that flags name: the state directory, else the folder of the state file, else this folder. The state file
 * is then the one named, else the usual one inside.
 */
export function resolveWorkspace(flags: {
  readonly stateDir: string | undefined
  readonly stateFile: string | undefined
}): WorkspacePlace {
  const stateDir = resolve(flags.stateDir ?? (flags.stateFile ? dirname(flags.stateFile) : '.'))
  return {stateDir, stateFile: flags.stateFile ? followed(resolve(flags.stateFile)) : join(stateDir, STATE_FILE)}
}

/** Whoever names a link means the file behind it. */
function followed(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

export function layoutOf({stateDir, stateFile}: WorkspacePlace): Layout {
  const own = join(stateDir, '.ag')
  const local = join(own, 'local')
  return {
    root: stateDir,
    sessions: join(own, 'sessions'),
    local,
    active: join(local, 'active'),
    owners: join(local, 'owners'),
    locks: join(local, 'locks'),
    private: join(local, 'private'),
    runs: join(local, 'runs'),
    cancel: join(local, 'cancel'),
    settled: join(local, 'settled'),
    quarantine: join(local, 'quarantine'),
    gitignore: join(own, '.gitignore'),
    stateFile,
  }
}

export function historyPath({sessions}: Layout, id: string): string {
  return join(sessions, `${id}.jsonl`)
}
