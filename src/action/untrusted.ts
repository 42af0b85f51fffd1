import {UsageError} from '../errors.ts'
import type {Runner} from './runner.ts'

/** Events that anybody can cause, and that run with the secrets of this repository all the same. */
const ANYBODY = new Set([
  'pull_request_target',
  'issue_comment',
  'issues',
  'commit_comment',
  'discussion',
  'discussion_comment',
  'fork',
  'gollum',
  'watch',
])

/**
 * Refuses to have a server make pictures for anybody who opens an issue: the manifest, the prompts or the branch may be theirs, and
 * the GPU and its credential are not. Throws `UsageError`.
 */
export function refuseUntrusted({event, isForksRun}: Pick<Runner, 'event' | 'isForksRun'>): void {
  if (!ANYBODY.has(event) && !(event === 'workflow_run' && isForksRun)) return
  const whose = event === 'workflow_run' ? 'workflow_run of a fork' : event
  throw new UsageError(`Anybody can cause the event ${whose}, and it has this repository's secrets.`, {
    next: 'Use pull_request with "server: mock" for what others send, or set "allow-untrusted: true" if the manifest cannot be theirs.',
  })
}
