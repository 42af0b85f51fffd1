import {lookup as dnsLookup, type LookupAddress, type LookupOptions} from 'node:dns'
import {BlockList, isIPv4} from 'node:net'
import {UsageError} from '../../errors.ts'

/** Where a SwarmUI answers. `base` ends with a slash and carries no user, password, query or fragment. */
export interface ServerAddress {
  readonly base: URL
  /** For people, histories and logs: `base` without its last slash. */
  readonly display: string
  /** What stood before the `@`, as a Basic `Authorization` value. */
  readonly basicAuthorization?: string
}

const metadata = new BlockList()
metadata.addSubnet('169.254.0.0', 16, 'ipv4')
metadata.addSubnet('fe80::', 10, 'ipv6')
metadata.addAddress('fd00:ec2::254', 'ipv6')
metadata.addAddress('100.100.100.200', 'ipv4')

const METADATA_NAMES = new Set(['metadata.google.internal', 'metadata', 'instance-data'])

const local = new BlockList()
for (const [net, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
] as const) {
  local.addSubnet(net, bits, 'ipv4')
}
local.addAddress('::1', 'ipv6')
local.addSubnet('fc00::', 7, 'ipv6')

const LOCAL_SUFFIXES = ['.local', '.lan', '.home', '.internal', '.home.arpa', '.localhost', '.test']

/**
 * Reads what a user gives as `--server`: a URL, or just `host` or `host:port`. `ws:` and `wss:` are taken as `http:` and
 * `https:`; a path stays as the prefix of a reverse proxy.
 *
 * Throws `UsageError` for anything else, and for link-local and cloud metadata addresses, which a URL from outside must
 * never make us ask.
 */
export function parseServerAddress(text: string): ServerAddress {
  const url = toUrl(text.trim())
  if (/\/api\/?$/i.test(url.pathname)) {
    throw new UsageError(`The server address ${url.origin}${url.pathname} is that of its routes.`, {
      next: 'Leave out /API.',
    })
  }
  const host = bareHost(url)
  if (isMetadataAddress(host) || METADATA_NAMES.has(host)) {
    throw new UsageError(`The server address "${host}" is a link-local or metadata address.`, {
      next: 'Give the address of your SwarmUI server.',
    })
  }
  const basicAuthorization =
    url.username || url.password
      ? `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`
      : undefined
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return {base: url, display: url.href.replace(/\/$/, ''), ...(basicAuthorization ? {basicAuthorization} : {})}
}

/** Throws `UsageError` when credentials would cross a network that is not ours in the clear. */
export function refuseCredentialsInTheClear(address: ServerAddress, allowed: boolean): void {
  if (allowed || address.base.protocol !== 'http:' || isLocalHost(bareHost(address.base))) return
  throw new UsageError(`Credentials for ${address.display} would be sent unencrypted to a public host.`, {
    next: 'Use https://, or pass --allow-insecure if the connection is protected in another way.',
  })
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

const LOOPBACK: LookupAddress[] = [
  {address: '127.0.0.1', family: 4},
  {address: '::1', family: 6},
]

/**
 * `dns.lookup` that fails for names which resolve to a link-local or metadata address. `localhost` is both loopback
 * addresses, whatever the system's files say of it: a server may listen on either.
 */
export function guardedLookup(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  if (options.all && hostname.toLowerCase() === 'localhost') return callback(null, LOOPBACK)
  dnsLookup(hostname, options, (error, found: string | LookupAddress[], family?: number) => {
    if (error) return callback(error, found, family)
    const addresses = typeof found === 'string' ? [found] : found.map((entry) => entry.address)
    if (addresses.some(isMetadataAddress)) {
      return callback(
        Object.assign(new Error(`${hostname} resolves to a link-local or metadata address`), {code: 'EADDRREFUSED'}),
        found,
        family,
      )
    }
    callback(null, found, family)
  })
}

function toUrl(text: string): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.parse(withScheme.replace(/^ws/i, 'http'))
  if (/^\d+$/.test(text)) {
    throw new UsageError(`"${text}" is a port, and no server address.`, {next: `Give http://localhost:${text}.`})
  }
  if (!text || !url?.hostname || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError(`"${text.replace(/^([a-z]+:\/\/)?.*@/is, '$1***@')}" is not a server address.`, {
      next: 'Give a URL such as http://localhost:7801 with --server or AG_SERVER.',
    })
  }
  return url
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
}

function isMetadataAddress(host: string): boolean {
  const family = familyOf(host)
  return family !== undefined && metadata.check(host, family)
}

function isLocalHost(host: string): boolean {
  const family = familyOf(host)
  if (family !== undefined) return local.check(host, family)
  return !host.includes('.') || LOCAL_SUFFIXES.some((suffix) => host.endsWith(suffix))
}

/** Of a URL's host, or what a lookup found: there only IPv6 has colons. To ask `isIP` of a name takes 3 ms the first time. */
function familyOf(host: string): 'ipv4' | 'ipv6' | undefined {
  if (host.includes(':')) return 'ipv6'
  return isIPv4(host) ? 'ipv4' : undefined
}
