import {Flags} from '@oclif/core'
import {parseAge} from '../face/duration.ts'
import type {HistoryQuery} from '../history/list.ts'
import type {SessionState} from '../session/session.ts'
import {STATUS_WORDS} from '../session/status-words.ts'

/** Which sessions; on the commands that list or export them. */
export const queryFlags = {
  run: Flags.string({description: 'Only sessions of this run.'}),
  asset: Flags.string({description: 'Only sessions of this asset.'}),
  state: Flags.option({
    options: Object.keys(STATUS_WORDS) as SessionState[],
    description: 'Only sessions in this state.',
  })(),
  since: Flags.string({
    helpValue: 'DURATION',
    description: 'Only sessions with news in the last so long, e.g. 2h, 7d.',
  }),
} as const

interface QueryFlags {
  readonly run: string | undefined
  readonly asset: string | undefined
  readonly state: SessionState | undefined
  readonly since: string | undefined
}

export function queryOf({run, asset, state, since}: QueryFlags): HistoryQuery {
  return {
    ...(run === undefined ? {} : {run}),
    ...(asset === undefined ? {} : {asset}),
    ...(state === undefined ? {} : {state}),
    ...(since === undefined ? {} : {sinceMs: parseAge(since)}),
  }
}
