import type {Session, SessionEvent} from './session.ts'

/** A session as it is right after it was created. */
export function newSession(id: string, of: {asset: string; run: string; owner: string; at: string}): Session {
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
    ...(event.submission ? {submission: event.submission} : {}),
    ...(event.result ? {result: event.result} : {}),
  }
}
