import {UsageError} from '../../errors.ts'
import {addSecret} from '../../secrets.ts'

/** Who we are to the server: SwarmUI's four independent layers of authentication (reference section 1.5). */
export interface Identity {
  /** A SwarmUI user's token, sent as the `swarm_token` cookie. */
  readonly token?: string | undefined
  /** The exact value of the `Authorization` header, for `Network.RequiredAuthorization` or a proxy. */
  readonly authorization?: string | undefined
  /** Which user of a server without accounts to be, sent as `X-SWARM-USER_ID`. */
  readonly userId?: string | undefined
  /** Further headers as `name=value`, for a reverse proxy. */
  readonly headers?: readonly string[] | undefined
}

/**
 * The headers of every request, WebSocket upgrade and download, and whether any of them is a secret. All values but the
 * user id are registered with the redactor.
 *
 * Throws `UsageError` for a header that is not `name=value` or that HTTP would not carry.
 */
export function identityHeaders(identity: Identity): {headers: Record<string, string>; secret: boolean} {
  const headers: Record<string, string> = {'user-agent': 'ag'}
  for (const pair of identity.headers ?? []) {
    const [name, value] = splitHeader(pair)
    headers[name] = value
    addSecret(value)
  }
  if (identity.authorization) headers['authorization'] = headerValue('--authorization', identity.authorization)
  if (identity.token) {
    const cookie = `swarm_token=${headerValue('--token', identity.token)}`
    headers['cookie'] = headers['cookie'] ? `${headers['cookie']}; ${cookie}` : cookie
  }
  if (identity.userId) headers['x-swarm-user_id'] = headerValue('--user-id', identity.userId)
  addSecret(identity.authorization)
  addSecret(identity.token)
  return {headers, secret: Boolean(identity.token || identity.authorization || identity.headers?.length)}
}

function splitHeader(pair: string): [string, string] {
  const at = pair.search(/[=:]/)
  const name = at < 0 ? '' : pair.slice(0, at).trim().toLowerCase()
  if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
    throw new UsageError('A header (--header) is not of the form name=value.', {next: 'Example: x-api-key=abc123'})
  }
  return [name, headerValue(`--header ${name}`, pair.slice(at + 1).trim())]
}

function headerValue(flag: string, value: string): string {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new UsageError(`${flag} contains a character that an HTTP header cannot carry.`, {
      next: 'Check for line breaks in the secret it came from.',
    })
  }
  return value
}
