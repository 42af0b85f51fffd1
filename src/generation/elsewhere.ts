import type {Asset} from '../asset/asset.ts'
import type {Context} from '../context.ts'
import type {OwnedSession} from '../store/session-store.ts'
import type {AssetOutcome} from './outcome.ts'

/** An asset that is left to somebody else, with the reason and what to do. */
export type Left = AssetOutcome & {readonly error: {readonly message: string; readonly next: string}}

/** The outcome of an asset that another process makes, as long as it has not come to its end there: it must not be asked for twice. */
export function madeElsewhere({id}: Asset, session: OwnedSession): Left {
  if (session.ownerStanding === 'unknown') {
    const message = `The process that made ${id} (${session.id}) cannot be asked after on this file system.`
    return leave(id, session, 'made_elsewhere', message, 'If it is dead: ag recover --apply --force.')
  }
  if (session.unsupported) {
    const message = `A newer ag has begun to make ${id} (${session.id}).`
    return leave(id, session, 'made_elsewhere', message, 'Bring it to its end with that one, or make it with --force.')
  }
  const message = `Another process is making ${id} (${session.id}).`
  return leave(
    id,
    session,
    'made_elsewhere',
    message,
    'Run the same command again, or make it all the same with --force.',
  )
}

/** The outcome of an asset that another process was making when somebody stopped it there. */
export function cancelledElsewhere({id}: Asset, session: OwnedSession): Left {
  const message = `${id} was cancelled in the process that was making it (${session.id}).`
  return leave(id, session, 'cancelled_elsewhere', message, 'Run the same command again to make it.')
}

/** The outcome of an asset that another server, or another user, may have: only there can it be told. */
export function sentElsewhere({report}: Context, {id}: Asset, session: OwnedSession, where: string): AssetOutcome {
  const next = `To give it up: ag recover --apply --give-up-after 0 --session ${session.id}`
  const message = `${id} was sent before, ${where}.`
  report({event: 'notice', message: `${message} ${next}`})
  return leave(id, session, 'sent_elsewhere', message, next)
}

function leave(asset: string, session: OwnedSession, reason: string, message: string, next: string): Left {
  return {asset, session: session.id, state: 'pending', error: {reason, message, next}}
}
