import {systemClock} from '../clock.ts'
import {UsageError} from '../errors.ts'
import type {FileStoreOptions} from '../store/file-store.ts'
import type {WorkspacePlace} from '../store/layout.ts'
import type {SessionStore} from '../store/session-store.ts'
import {mayBeStateFile} from '../store/state-view.ts'
import {openWorkspace, resolveWorkspace} from '../store/workspace.ts'
import type {StateSettings} from './settings.ts'

/** Where the workspace is that the settings name. */
export function workspaceOf(settings: StateSettings): WorkspacePlace {
  return resolveWorkspace({stateDir: settings['state-dir'], stateFile: settings['state-file']})
}

/** Opens the histories of that workspace, as the command that it is for. Throws `UsageError` for a state file that is none. */
export function openHistories(settings: StateSettings, options: Omit<FileStoreOptions, 'clock'>): SessionStore {
  const place = workspaceOf(settings)
  if (settings['state-file'] !== undefined && !options.readOnly && !mayBeStateFile(place.stateFile)) {
    throw new UsageError(`${settings['state-file']} is something else than a list of sessions.`, {
      next: 'It would be replaced: name another file with --state-file (AG_STATE_FILE).',
    })
  }
  return openWorkspace({...place, ...options, clock: systemClock})
}
