import type {Asset} from './asset/asset.ts'
import type {Context} from './context.ts'
import type {AssetOutcome} from './make-picture.ts'
import type {OwnedSession} from './store/session-store.ts'

/** The outcome of an asset that another process makes at this moment: it must not be asked for twice. */
export function madeElsewhere(context: Context, {id}: Asset, session: OwnedSession): AssetOutcome {
  if (session.ownerStanding === 'unknown') {
    const message = `The process that made ${id} (${session.id}) cannot be asked after on this file system.`
    return leave(context, id, session, 'made_elsewhere', message, 'If it is dead: ag recover --apply --force.')
  }
  const message = `Another process is making ${id} (${session.id}).`
  const next = 'Wait for it (ag wait-idle --scope own), or make it all the same with --force.'
  return leave(context, id, session, 'made_elsewhere', message, next)
}

/** The outcome of an asset that another server, or another user, may have: only there can it be told. */
export function sentElsewhere(context: Context, {id}: Asset, session: OwnedSession, where: string): AssetOutcome {
  const next = `To give it up: ag recover --apply --give-up-after 0 --session ${session.id}`
  return leave(context, id, session, 'sent_elsewhere', `${id} was sent before, ${where}.`, next)
}

function leave(
  {report}: Context,
  asset: string,
  session: OwnedSession,
  reason: string,
  message: string,
  next: string,
): AssetOutcome {
  report({event: 'notice', message: `${message} ${next}`})
  return {asset, session: session.id, state: 'pending', error: {reason, message, next}}
}
