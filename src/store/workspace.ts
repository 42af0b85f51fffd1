import {FileStore, type FileStoreOptions} from './file-store.ts'
import {layoutOf, resolveWorkspace, type WorkspacePlace} from './layout.ts'
import type {SessionStore} from './session-store.ts'

/** Opens a workspace's sessions. Makes nothing on disk until the first session is created. */
export function openWorkspace(options: WorkspacePlace & FileStoreOptions): SessionStore {
  return new FileStore(layoutOf(options), options)
}

export {resolveWorkspace}
