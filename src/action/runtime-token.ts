import * as z from 'zod/mini'

/** A part of the cache that this job may read or write: the entries of one branch. */
export interface CacheScope {
  readonly scope: string
  readonly write: boolean
}

const scopesSchema = z.array(z.object({Scope: z.string(), Permission: z.number()}))
const claimsSchema = z.object({ac: z.optional(z.string()), scp: z.optional(z.string())})

/**
 * What the runtime token, a JWT, says of the cache: its claim `ac` lists branches with a permission, of which bit 2 is to
 * write. Not verified: it only words what the service decides. `undefined` where it does not tell.
 */
export function cacheScopes(token: string | undefined): readonly CacheScope[] | undefined {
  try {
    const {ac} = readClaims(token)
    const scopes = scopesSchema.parse(JSON.parse(ac ?? ''))
    return scopes.map(({Scope, Permission}) => ({scope: Scope, write: (Permission & 2) !== 0}))
  } catch {
    return undefined
  }
}

/** The services' own id of this job: the last part of `Actions.Results:RUN:JOB` in the claim `scp`. Empty where it does not tell. */
export function jobBackendId(token: string | undefined): string {
  try {
    const [, id = ''] = /(?:^| )Actions\.Results:[^: ]+:([\w-]+)/.exec(readClaims(token).scp ?? '') ?? []
    return id
  } catch {
    return ''
  }
}

function readClaims(token: string | undefined): z.output<typeof claimsSchema> {
  return claimsSchema.parse(JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()))
}
