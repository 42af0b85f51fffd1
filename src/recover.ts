import type {Context} from './context.ts'
import {startDeadline} from './deadline.ts'
import {eachOf} from './each-of.ts'
import {AgError, ExitCode} from './errors.ts'
import {type Act, type ActOptions, carryOut} from './recovery/act.ts'
import {ageOf, type Case, caseOfSession, type GatherOptions, gatherCases} from './recovery/case.ts'
import {describe, type RecoveredSession} from './recovery/recovered-session.ts'
import {askServer, questionOf, type ServerAnswer} from './recovery/server-evidence.ts'
import {judgeSession, type RecoveryVerdict} from './recovery/verdict.ts'
import {isSettled} from './session/history-line.ts'
import {tidyWorkspace} from './tidy-workspace.ts'
import {unknownSession} from './unknown-session.ts'

export interface RecoverOptions extends GatherOptions, ActOptions {
  /** Do it; else only tell what would be done. */
  readonly apply: boolean
  /** Wait for what the server still works on, for at most so many milliseconds. */
  readonly waitMs?: number
  /** Only these sessions; empty for all. */
  readonly sessions: readonly string[]
  /** Only sessions with a sign of life within so many milliseconds. */
  readonly sinceMs?: number
  /** How many pictures to fetch at once. */
  readonly concurrency: number
}

/** What a recovery came to; also what `--json` prints. */
export interface RecoverResult {
  readonly schemaVersion: 1
  readonly server: string
  readonly applied: boolean
  readonly sessions: readonly RecoveredSession[]
  readonly exit_code: ExitCode
  readonly error?: {readonly message: string; readonly next?: string}
}

const LOOK_AGAIN_MS = 1000
/** What has not come to its end, and no live process brings there. */
const OPEN: ReadonlySet<string> = new Set(['running', 'unverified', 'orphaned'])

/**
 * Brings every session of a workspace that no live process looks after to a true end: its finished picture is adopted from
 * the disk or the server, or it is settled as failed, cancelled or lost, each with its reason. What the server still works on
 * is waited for, if asked. Done again, it finds nothing to do.
 *
 * Throws `UsageError` for a session that is not there. What could not be done, because the server cannot be asked or the disk
 * refuses, is left as it is, and the result says so.
 */
export async function recover(context: Context, options: RecoverOptions): Promise<RecoverResult> {
  const recovery = new Recovery(context, options)
  await recovery.run()
  return recovery.result()
}

class Recovery {
  readonly #context: Context
  readonly #options: RecoverOptions
  readonly #found: RecoveredSession[] = []
  /** Why the server could not be asked, the last time it was. */
  #unanswered: AgError | undefined
  /** What first went wrong with something that was to be done. */
  #failure: AgError | undefined
  #timedOut = false

  constructor(context: Context, options: RecoverOptions) {
    this.#context = context
    this.#options = options
  }

  async run(): Promise<void> {
    const {concurrency, apply, waitMs} = this.#options
    const unsure: Case[] = []
    const local: Case[] = []
    for (const one of await this.#cases()) (one.verdict.action === 'ask_server' ? unsure : local).push(one)
    await eachOf(local, concurrency, (one) => this.#conclude(one, one.verdict))
    const willWait = apply && waitMs !== undefined
    const open = await this.#askAndConclude(unsure, willWait ? this.#context.signal : undefined)
    if (open.length > 0 && waitMs !== undefined) await this.#wait(open, waitMs)
    if (apply) await tidyWorkspace(this.#context)
  }

  result(): RecoverResult {
    const sessions = [...this.#found].sort((a, b) => (a.session < b.session ? -1 : 1))
    const error = this.#failure ?? this.#unanswered ?? (this.#timedOut ? new StillRunningError() : undefined)
    const open = this.#options.apply && sessions.some(({state, outcome}) => outcome === 'open' && OPEN.has(state))
    return {
      schemaVersion: 1,
      server: this.#context.server.address,
      applied: this.#options.apply,
      sessions,
      exit_code: error?.exitCode ?? (open ? ExitCode.assetsMissing : ExitCode.done),
      ...(error ? {error: {message: error.message, ...(error.next ? {next: error.next} : {})}} : {}),
    }
  }

  /** The cases to look at; histories that cannot be read whole are mended first, so that their sessions are among them. */
  async #cases(): Promise<Case[]> {
    const {sessions: names, sinceMs, apply} = this.#options
    const cases: Case[] = []
    for await (const one of gatherCases(this.#context, this.#options)) {
      if (names.length > 0 && !names.includes(one.id)) continue
      if (sinceMs !== undefined && one.silentMs > sinceMs) continue
      if (apply && (one.damaged !== undefined || one.verdict.action === 'quarantine'))
        cases.push(...(await this.#mend(one)))
      else cases.push(one)
    }
    await this.#refuseUnknown(cases)
    return cases
  }

  /** Puts aside what cannot be read. What can be said of the session without it, or with its good lines, is judged anew. */
  async #mend(one: Case): Promise<Case[]> {
    const {upkeep} = this.#context.sessions
    if (one.verdict.action === 'quarantine') await this.#conclude(one, one.verdict)
    else if (one.damaged !== undefined) await upkeep.setAside({history: one.damaged})
    const saved = await this.#context.sessions.get(one.id)
    if (saved) return isSettled(saved) ? [] : [await caseOfSession(this.#context, this.#options, saved)]
    if (one.verdict.action === 'quarantine') return []
    const {damaged: _, ...rest} = one
    return [rest]
  }

  async #refuseUnknown(cases: readonly Case[]): Promise<void> {
    const {sessions} = this.#context
    const done = new Set([...cases.map(({id}) => id), ...this.#found.map(({session}) => session)])
    for (const name of this.#options.sessions.filter((name) => !done.has(name))) {
      const session = await sessions.get(name)
      // It is over: there is nothing to recover, and that is no error.
      if (!session) throw await unknownSession(sessions, name)
    }
  }

  /** Asks the server after the cases, run by run, and concludes what it knows. With a wait, returns what is still open when it knows no more. */
  async #askAndConclude(cases: readonly Case[], wait?: AbortSignal): Promise<OpenCase[]> {
    const {concurrency} = this.#options
    const open: OpenCase[] = []
    for (const [run, members] of Map.groupBy(cases, ({session}) => session?.run ?? '')) {
      const answers = await this.#ask(run, members, wait)
      await eachOf(members, concurrency, async (one) => {
        const answer = answers?.get(one.id)
        const verdict = answer ? this.#judge(one, answer) : one.verdict
        const undecided = verdict.action === 'reattach' || verdict.state === 'unverified' || !answer
        if (wait && undecided && !isElsewhere(answer)) open.push({one, verdict, answer})
        else await this.#conclude(one, verdict, answer)
      })
    }
    return open
  }

  /**
   * By now: what nobody can tell of is given up when it has been silent for long enough; but what can be asked elsewhere only
   * when it is named, or everything is to be given up.
   */
  #judge({id, session, witnesses}: Case, answer: ServerAnswer): RecoveryVerdict {
    const {giveUpAfterMs, sessions} = this.#options
    const silentMs = session ? this.#context.clock.now() - Date.parse(session.updatedAt) : 0
    const wait = isElsewhere(answer) && giveUpAfterMs > 0 && !sessions.includes(id)
    return judgeSession({...witnesses, server: answer.server, age: wait ? 'fresh' : ageOf(silentMs, giveUpAfterMs)})
  }

  async #ask(
    run: string,
    cases: readonly Case[],
    wait?: AbortSignal,
  ): Promise<ReadonlyMap<string, ServerAnswer> | undefined> {
    const sessions = cases.flatMap(({session}) => session ?? [])
    const signal = wait ?? this.#context.signal
    try {
      const questions = await Promise.all(sessions.map((session) => questionOf(this.#context, session)))
      return await askServer({...this.#context, signal}, run, questions)
    } catch (error) {
      this.#context.signal.throwIfAborted()
      // The wait is over, which is no fault of the server's.
      if (error === wait?.reason) return undefined
      if (!(error instanceof AgError)) throw error
      this.#unanswered = error
      return undefined
    }
  }

  /** Looks again and again until the server has finished, or the time is over. A server that is away is waited for, too. */
  async #wait(cases: readonly OpenCase[], waitMs: number): Promise<void> {
    const {clock, signal, report} = this.#context
    using deadline = startDeadline(clock, waitMs, signal)
    report({event: 'recover.waiting', sessions: cases.length, timeout_seconds: waitMs / 1000})
    let open = cases
    try {
      while (open.length > 0) {
        await clock.sleep(LOOK_AGAIN_MS, deadline.signal)
        const unanswered = this.#unanswered
        this.#unanswered = undefined
        const before = new Map(open.map((known) => [known.one, known]))
        const now = await this.#askAndConclude([...before.keys()], deadline.signal)
        // What it did not live to say is as it was.
        if (deadline.signal.aborted) this.#unanswered ??= unanswered
        open = deadline.signal.aborted ? now.map((known) => before.get(known.one) ?? known) : now
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error !== deadline.signal.reason) throw error
      this.#timedOut = true
    }
    for (const {one, verdict, answer} of open) await this.#conclude(one, verdict, answer)
  }

  async #conclude(one: Case, verdict: RecoveryVerdict, answer?: ServerAnswer): Promise<void> {
    if (isNothing(verdict)) return
    const {apply} = this.#options
    const acts = verdict.action !== 'none' && verdict.action !== 'ask_server' && verdict.action !== 'reattach'
    const image = answer?.server === 'picture' ? answer.image : undefined
    let act: Act | undefined
    try {
      if (apply && acts) act = await carryOut(this.#context, this.#options, one, verdict, image)
    } catch (error) {
      this.#context.signal.throwIfAborted()
      if (!(error instanceof AgError)) throw error
      this.#failure ??= error
      act = {outcome: 'failed', state: 'orphaned', message: error.message}
    }
    const known = isElsewhere(answer) && verdict.state === 'unverified' ? {...one, note: whereToAsk(one, answer)} : one
    this.#tell(describe(known, verdict, act, acts && !apply))
  }

  #tell(found: RecoveredSession): void {
    this.#found.push(found)
    const {session, asset, state, action, outcome, reason, message, path} = found
    const where = path === undefined ? {} : {path}
    this.#context.report({
      event: 'recover.session',
      session,
      asset,
      state,
      action,
      outcome,
      reason,
      message,
      ...where,
    })
  }
}

/** A case that only time, or the server, can bring to its end. */
interface OpenCase {
  readonly one: Case
  readonly verdict: RecoveryVerdict
  readonly answer: ServerAnswer | undefined
}

type Elsewhere = Extract<ServerAnswer, {readonly elsewhere?: string}> & {readonly elsewhere: string}

/** It was sent to another server, or as another user: this one can never tell. */
function isElsewhere(answer: ServerAnswer | undefined): answer is Elsewhere {
  return answer !== undefined && answer.server !== 'picture' && answer.elsewhere !== undefined
}

function whereToAsk({id}: Case, {elsewhere}: Elsewhere): string {
  return `it was sent ${elsewhere}, or give it up with --session ${id} --give-up-after 0`
}

/** Rows that have nothing to tell: settled sessions that are in order. */
function isNothing({action, row}: RecoveryVerdict): boolean {
  return action === 'none' && (row === 1 || row === 2 || row === 15)
}

/** The server has not finished in the time that was given. */
class StillRunningError extends AgError {
  override readonly name = 'StillRunningError'
  override readonly exitCode = ExitCode.deadline

  constructor() {
    super('The server still works on some sessions.', {next: 'Run the same command again; nothing is lost meanwhile.'})
  }
}
