import {systemClock} from '../clock.ts'
import type {FileStoreOptions} from '../store/file-store.ts'
import type {WorkspacePlace} from '../store/layout.ts'
import type {SessionStore} from '../store/session-store.ts'
import {openWorkspace, resolveWorkspace} from '../store/workspace.ts'
import type {StateSettings} from './settings.ts'

/** Where the workspace is that the settings name. */
export function workspaceOf(settings: StateSettings): WorkspacePlace {
  return resolveWorkspace({stateDir: settings['state-dir'], stateFile: settings['state-file']})
}

/** Opens the histories of that workspace, as the command that it is for. */
export function openHistories(settings: StateSettings, options: Omit<FileStoreOptions, 'clock'>): SessionStore {
  return openWorkspace({...workspaceOf(settings), ...options, clock: systemClock})
}
