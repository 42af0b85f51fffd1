import type {Backend, Readiness} from '../image-server.ts'

/**
 * Whether a server could make a picture, from SwarmUI's summary word for its image backends. The words mislead:
 * `running` is up, not busy; `idle` is unreachable and cannot generate (recording 16); `errored` says that one of them is,
 * while the others may be fine (recording 34), so only the list of backends tells, where we may see it.
 */
export function readiness(word: string, backends: readonly Backend[] | undefined): Readiness {
  switch (word) {
    case 'running':
      return {usable: true}
    case 'some_loading':
    case 'loading':
      return {usable: true, note: 'Backends are still loading; the first pictures wait for them.'}
    case 'empty':
      return {usable: false, note: 'The server has no backends.'}
    case 'disabled':
      return {usable: false, note: 'No backend of the server is up, and some are switched off.'}
    case 'all_disabled':
      return {usable: false, note: 'All backends of the server are switched off.'}
    case 'idle':
      return {usable: false, note: 'The backends of the server are unreachable (SwarmUI calls that "idle").'}
    case 'errored':
      if (backends === undefined) {
        return {usable: true, note: 'A backend reports an error, and this user may not see whether another works.'}
      }
      return backends.some(({enabled, status}) => enabled && status === 'running')
        ? {usable: true, note: 'A backend reports an error; another one works.'}
        : {usable: false, note: 'All backends of the server report an error.'}
    default:
      return {usable: true, note: `The server reports its backends as "${word}".`}
  }
}
