import type {Session, SessionEvent} from './session.ts'

/** A session as it is right after it was created. */
export function newSession(
  id: string,
  of: {asset: string; run: string; owner: string; at: string; key?: string | undefined},
): Session {
  return {
    id,
    state: 'pending',
    progress: 0,
    message: 'Created',
    startedAt: of.at,
    updatedAt: of.at,
    owner: of.owner,
    epoch: 1,
    seq: 1,
    asset: of.asset,
    run: of.run,
    ...(of.key ? {key: of.key} : {}),
  }
}

/** The session after an event; what the event leaves out stays as it was. */
export function advance(session: Session, event: SessionEvent, at: string): Session {
  return {
    ...session,
    state: event.state,
    progress: event.progress ?? session.progress,
    message: event.message ?? session.message,
    updatedAt: at,
    seq: session.seq + 1,
    ...(event.submission ? {submission: {...event.submission, by: session.owner}} : {}),
    ...(event.result ? {result: event.result} : {}),
  }
}

/**
 * Whether a line says more of a session's state than another: the one with the higher epoch, then sequence. But a picture that
 * was finished stays finished: after two machines have each gone on with a copy of a history, `completed` stands whatever
 * else the union of both says.
 */
export function decides(line: {readonly session: Session}, over: {readonly session: Session}): boolean {
  const [a, b] = [line.session, over.session]
  const done = Number(a.state === 'completed') - Number(b.state === 'completed')
  if (done !== 0) return done > 0
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq)
}
