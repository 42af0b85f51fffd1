import {getState, saveState} from '@actions/core'

/** What the main step tells the post step of itself. Each is written when it happens: a step that is killed has told the rest. */
export interface Handover {
  /** It got as far as to begin. */
  readonly started: boolean
  /** The run that it made or is making. */
  readonly run: string
  readonly interrupted: boolean
  /** Its sessions have all come to their end, or are known not to have. */
  readonly settled: boolean
  /** There may be a state of earlier runs that could not be read. */
  readonly unread: boolean
  /** The state for later runs was kept, or need not be. */
  readonly stateKept: boolean
  /** The histories were uploaded, or need not be. */
  readonly historyKept: boolean
}

export const tellPost = {
  started: (): void => saveState('started', 'true'),
  run: (name: string): void => saveState('run', name),
  interrupted: (): void => saveState('interrupted', 'true'),
  settled: (): void => saveState('settled', 'true'),
  unread: (): void => saveState('unread', 'true'),
  stateKept: (): void => saveState('stateKept', 'true'),
  historyKept: (): void => saveState('historyKept', 'true'),
}

/** What main told, read in post. */
export function toldByMain(): Handover {
  const is = (name: string): boolean => getState(name) === 'true'
  return {
    started: is('started'),
    run: getState('run'),
    interrupted: is('interrupted'),
    settled: is('settled'),
    unread: is('unread'),
    stateKept: is('stateKept'),
    historyKept: is('historyKept'),
  }
}
