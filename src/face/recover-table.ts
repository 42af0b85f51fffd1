import {styleText} from 'node:util'
import type {RecoveredSession} from '../recovery/recovered-session.ts'
import {plainTable} from './plain-table.ts'

type Colour = Parameters<typeof styleText>[0]

const COLOURS: Readonly<Record<RecoveredSession['state'], Colour | undefined>> = {
  completed: 'green',
  live: 'green',
  running: 'yellow',
  orphaned: 'yellow',
  unverified: 'yellow',
  cancelled: 'yellow',
  failed: 'red',
  lost: 'red',
  unknown: 'red',
  absent: undefined,
}

/** What is done about a session, as somebody would say it: before, and after. */
const ACTIONS: Readonly<Record<RecoveredSession['action'], readonly [plan: string, done: string]>> = {
  none: ['leave it', 'left as it is'],
  heal: ['mend its snapshot', 'snapshot mended'],
  ask_server: ['ask the server', 'not known yet'],
  adopt_from_disk: ['take the picture', 'picture taken'],
  adopt_from_server: ['fetch the picture', 'picture fetched'],
  reattach: ['wait for it', 'still running'],
  settle: ['settle it', 'settled'],
  import: ['write its history', 'history written'],
  quarantine: ['put it aside', 'put aside'],
}

const EXCEPTIONS: Readonly<Partial<Record<RecoveredSession['outcome'], string>>> = {
  taken: 'left to another',
  failed: 'could not be done',
}

/** A table of sessions: what each has come to, what is done about it, and why. */
export function recoverTable(
  sessions: readonly RecoveredSession[],
  applied: boolean,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  const rows = sessions.map(({session, state, action, outcome, message, row, path}) => {
    const colour = COLOURS[state]
    const [plan, done] = ACTIONS[action]
    const deed = applied ? (EXCEPTIONS[outcome] ?? done) : plan
    const where = path === undefined || !applied ? '' : `: ${path}`
    return [session, colour ? styleText(colour, state, {stream}) : state, deed, message + where, String(row)]
  })
  return plainTable(['SESSION', 'STATE', applied ? 'WHAT WAS DONE' : 'WHAT WOULD BE DONE', 'WHY', 'ROW'], rows)
}
