import {mkdir} from 'node:fs/promises'
import {dirname, join, resolve} from 'node:path'
import {replaceFile} from '../replace-file.ts'
import {isSettled} from '../session/history-line.ts'
import type {Session, SessionRequest} from '../session/session.ts'
import {STATUS_WORDS} from '../session/status-words.ts'

/**
 * Writes `session_state.json` beside a session's picture, as tools that follow seed 004 read it. A view, like the state
 * file: written when the session begins and when it is settled.
 */
export async function writeSnapshot(
  directory: string,
  workspace: string,
  session: Session,
  request: SessionRequest,
): Promise<void> {
  const {id, state, startedAt, updatedAt, result, seq, epoch} = session
  const picture = result?.picture && resolve(workspace, result.picture.path)
  const snapshot = {
    id,
    status: STATUS_WORDS[state].snapshot,
    prompt: request.prompt,
    created_at: startedAt,
    ...(isSettled(session) ? {completed_at: updatedAt} : {}),
    ...(isSettled(session)
      ? {
          result: {
            success: state === 'completed',
            ...(picture ? {output_path: picture, session_dir: dirname(picture)} : {session_dir: directory}),
            ...(result?.error ? {error: result.error} : {}),
            ...(result?.reason ? {reason: result.reason} : {}),
          },
        }
      : {}),
    ...(result?.recovered ? {recovered_from_disk: true} : {}),
    ag: {v: 1, seq, epoch},
  }
  await mkdir(directory, {recursive: true})
  await replaceFile(join(directory, 'session_state.json'), `${JSON.stringify(snapshot, null, 2)}\n`)
}
