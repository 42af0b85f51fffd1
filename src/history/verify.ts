import {resolve} from 'node:path'
import type {Context} from '../context.ts'
import {ExitCode} from '../errors.ts'
import {sha256} from '../fetch-picture.ts'
import {readSmall} from '../read-small.ts'
import {foreignLine} from '../text.ts'

/** One thing that is not as it was written. */
export interface HistoryFinding {
  readonly session?: string
  /** Of a picture: where it lies, relative to the workspace. */
  readonly path?: string
  /** `damage` lost something that was recorded; a `note` did not: a death in the middle of a line, a picture that moved. */
  readonly kind: 'damage' | 'note'
  readonly message: string
}

/** What verifying came to; also what `--json` prints. */
export interface VerifyResult {
  readonly schemaVersion: 1
  readonly sessions: number
  readonly lines: number
  /** Pictures on disk that are what their histories recorded. */
  readonly pictures: number
  readonly findings: readonly HistoryFinding[]
  readonly exit_code: ExitCode
}

/** Reads every line of every history, and every picture that one recorded. Changes nothing. */
export async function verifyHistory({sessions}: Pick<Context, 'sessions'>, workspace: string): Promise<VerifyResult> {
  const findings: HistoryFinding[] = []
  let lines = 0
  const damaged = await sessions.upkeep.damaged({thorough: true})
  for (const name of damaged) {
    findings.push({session: foreignLine(name, 150), kind: 'damage', message: 'has no valid line'})
  }
  const all = await sessions.list({active: false})
  for (const {id} of all) {
    const check = await sessions.upkeep.check(id)
    if (!check) continue
    lines += check.lines
    const add = (kind: HistoryFinding['kind'], message: string): void =>
      void findings.push({session: id, kind, message})
    if (!check.hasRequest) add('damage', 'has lost its first line, which says what was asked for')
    if (check.missing > 0) add('damage', `lacks ${check.missing} of its lines`)
    if (check.damaged > 0) {
      // A death leaves half a line, which no later one needs; what else is unreadable is missing from the count, too.
      add(
        'note',
        `has ${check.damaged} unreadable ${check.damaged === 1 ? 'line' : 'lines'}, as a death in the middle of one leaves them`,
      )
    }
    if (check.torn) add('note', 'ends in the middle of a line: a process died there, or is writing it')
  }
  const pictures = await verifyPictures({sessions}, workspace, findings)
  const isDamaged = findings.some(({kind}) => kind === 'damage')
  return {
    schemaVersion: 1,
    sessions: all.length,
    lines,
    pictures,
    findings,
    exit_code: isDamaged ? ExitCode.unforeseen : ExitCode.done,
  }
}

async function verifyPictures(
  {sessions}: Pick<Context, 'sessions'>,
  workspace: string,
  findings: HistoryFinding[],
): Promise<number> {
  let whole = 0
  for (const [path, digest] of await sessions.recordedPictures()) {
    const bytes = await readSmall(resolve(workspace, ...path.split('/')))
    if (bytes && sha256(bytes) === digest) whole++
    else {
      const name = foreignLine(path, 200)
      if (bytes) findings.push({path: name, kind: 'damage', message: 'has other bytes than were recorded'})
      else findings.push({path: name, kind: 'note', message: 'is not there; ag generate puts it back'})
    }
  }
  return whole
}
