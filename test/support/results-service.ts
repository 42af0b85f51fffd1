import {createHash, randomBytes} from 'node:crypto'
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

/** An entry of the cache, as the service keeps it. */
export interface CacheEntry {
  readonly key: string
  readonly version: string
  readonly scope: string
  readonly blob: Buffer
}

export interface StoredArtifact {
  readonly id: number
  readonly name: string
  readonly mimeType: string
  readonly expiresAt: string | undefined
  readonly blob: Buffer
}

/** What the services can be told to do. */
export interface ServiceOptions {
  /** The token may read the cache and not write it, and says so in its claims or only when it is tried. */
  readonly readOnly?: 'told' | 'untold'
  /** Answers these calls with a status; `times` calls of each, default all. */
  readonly failing?: readonly {readonly method: string; readonly status: number; readonly times?: number}[]
  /** Does not answer the first of each of these calls. */
  readonly hanging?: readonly string[]
}

/**
 * The cache (v2) and artifact (v4) services of GitHub Actions over HTTP, after the wire contract in the reference on GitHub Actions:
 * twirp calls with JSON, and a store for blobs that speaks enough of Azure's. Entries are immutable; a prefix finds the newest.
 */
export class ResultsService implements AsyncDisposable {
  readonly entries: CacheEntry[] = []
  readonly artifacts: StoredArtifact[] = []
  /** The methods that were called, in order. */
  readonly calls: string[] = []
  options: ServiceOptions
  readonly #server = createServer((request, response) => void this.#handle(request, response))
  readonly #uploads = new Map<string, {finish: (blob: Buffer) => void; blocks: Map<string, Buffer>; blob?: Buffer}>()
  readonly #downloads = new Map<string, Buffer>()
  readonly #pending = new Map<string, {upload: string; request: Record<string, unknown>}>()
  readonly #failed = new Map<string, number>()

  private constructor(options: ServiceOptions) {
    this.options = options
  }

  static async start(options: ServiceOptions = {}): Promise<ResultsService> {
    const service = new ResultsService(options)
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve))
    return service
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** What the runner gives a step of these services. */
  environment(ref: string): Record<string, string> {
    const permission = this.options.readOnly === 'told' ? 1 : 3
    const claims = {
      scp: 'Actions.GenericRead:x Actions.Results:run-backend-id:job-backend-id Actions.UploadArtifacts:x',
      ac: JSON.stringify([
        {Scope: ref, Permission: permission},
        {Scope: 'refs/heads/main', Permission: 1},
      ]),
    }
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    return {
      ACTIONS_RUNTIME_TOKEN: `${part({alg: 'none'})}.${part(claims)}.signature`,
      ACTIONS_RESULTS_URL: this.url,
      ACTIONS_CACHE_URL: this.url,
      ACTIONS_CACHE_SERVICE_V2: 'True',
    }
  }

  /** Puts an entry into the cache that nobody saved by the rules. */
  plant(entry: CacheEntry): void {
    this.entries.push(entry)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    const url = new URL(request.url ?? '/', this.url)
    const [, method] = /^\/twirp\/github\.actions\.results\.api\.v1\.\w+\/(\w+)$/.exec(url.pathname) ?? []
    if (method) return this.#call(method, JSON.parse(body.toString() || '{}'), request, response)
    if (url.pathname.startsWith('/blob/')) return this.#blob(request.method ?? '', url, body, response)
    answer(response, 404, {code: 'bad_route', msg: url.pathname})
  }

  #call(method: string, body: Record<string, unknown>, request: IncomingMessage, response: ServerResponse): void {
    this.calls.push(method)
    if (!request.headers.authorization?.startsWith('Bearer ')) {
      return answer(response, 401, {code: 'unauthenticated', msg: 'no token'})
    }
    if (this.options.hanging?.includes(method) && this.calls.filter((call) => call === method).length === 1) return
    const failing = this.options.failing?.find((one) => one.method === method)
    const failed = this.#failed.get(method) ?? 0
    if (failing && failed < (failing.times ?? Number.POSITIVE_INFINITY)) {
      this.#failed.set(method, failed + 1)
      return answer(response, failing.status, {code: 'unavailable', msg: `answered ${failing.status} on purpose`})
    }
    const handler = this.#methods[method]
    if (!handler) return answer(response, 404, {code: 'bad_route', msg: method})
    const {status = 200, ...reply} = handler(body)
    answer(response, status as number, reply)
  }

  readonly #methods: Readonly<Record<string, (body: Record<string, unknown>) => Record<string, unknown>>> = {
    CreateCacheEntry: (body) => {
      const {key, version} = body as {key: string; version: string}
      if (this.options.readOnly) return {ok: false, message: 'cache write denied: token has no writable scopes'}
      if (this.#isTaken(`${key}\n${version}`)) {
        return {
          status: 409,
          code: 'already_exists',
          msg: 'cache entry with the same key, version, and scope already exists',
        }
      }
      return {ok: true, signed_upload_url: this.#upload(`${key}\n${version}`, body)}
    },
    FinalizeCacheEntryUpload: (body) => {
      const {key, version, size_bytes: size} = body as {key: string; version: string; size_bytes: string}
      const blob = this.#uploaded(`${key}\n${version}`)
      if (!blob || String(blob.length) !== size) return {ok: false, message: 'size does not match'}
      this.entries.push({key, version, scope: '', blob})
      return {ok: true, entry_id: String(1000 + this.entries.length)}
    },
    GetCacheEntryDownloadURL: (body) => {
      const {
        key,
        restore_keys: prefixes = [],
        version,
      } = body as {key: string; restore_keys?: string[]; version: string}
      const found = [key, ...prefixes]
        .map((prefix) => this.entries.findLast((entry) => entry.version === version && entry.key.startsWith(prefix)))
        .find((entry) => entry !== undefined)
      if (!found) return {ok: false}
      return {ok: true, signed_download_url: this.#download(found.blob), matched_key: found.key}
    },
    CreateArtifact: (body) => {
      const {name} = body as {name: string}
      if (this.#isTaken(`artifact ${name}`)) {
        return {
          status: 409,
          code: 'already_exists',
          msg: 'an artifact with this name already exists on the workflow run',
        }
      }
      return {ok: true, signed_upload_url: this.#upload(`artifact ${name}`, body)}
    },
    FinalizeArtifact: (body) => {
      const {name, size, hash} = body as {name: string; size: string; hash: string}
      const request = this.#pending.get(`artifact ${name}`)?.request ?? {}
      const blob = this.#uploaded(`artifact ${name}`)
      const digest = `sha256:${createHash('sha256')
        .update(blob ?? '')
        .digest('hex')}`
      if (!blob || String(blob.length) !== size || hash !== digest) {
        return {status: 400, code: 'invalid_argument', msg: 'size or hash does not match'}
      }
      const id = 2000 + this.artifacts.length
      const expiresAt = request['expires_at'] as string | undefined
      this.artifacts.push({id, name, mimeType: String(request['mime_type']), expiresAt, blob})
      return {ok: true, artifact_id: String(id)}
    },
  }

  /** A name is taken from when it is reserved, whatever becomes of the upload. */
  #isTaken(what: string): boolean {
    return this.#pending.has(what)
  }

  #upload(what: string, request: Record<string, unknown>): string {
    const upload = randomBytes(8).toString('hex')
    this.#uploads.set(upload, {finish: () => {}, blocks: new Map()})
    this.#pending.set(what, {upload, request})
    return `${this.url}blob/${upload}?sig=a%2Bb`
  }

  #uploaded(what: string): Buffer | undefined {
    return this.#uploads.get(this.#pending.get(what)?.upload ?? '')?.blob
  }

  #download(blob: Buffer): string {
    const name = randomBytes(8).toString('hex')
    this.#downloads.set(name, blob)
    return `${this.url}blob/${name}?sig=a%2Bb`
  }

  /** Azure's block blobs: one PUT, or blocks and then their list. */
  #blob(verb: string, url: URL, body: Buffer, response: ServerResponse): void {
    const name = url.pathname.slice('/blob/'.length)
    // The signature must come back as it was given.
    if (url.search.includes('sig=') && !url.search.includes('sig=a%2Bb')) return void response.writeHead(403).end()
    if (verb === 'GET' || verb === 'HEAD') {
      const blob = this.#downloads.get(name)
      if (!blob) return void response.writeHead(404).end()
      response.writeHead(200, {'content-length': blob.length, 'content-type': 'application/octet-stream'})
      return void response.end(verb === 'GET' ? blob : undefined)
    }
    const upload = this.#uploads.get(name)
    if (!upload) return void response.writeHead(404).end()
    const part = url.searchParams.get('comp')
    if (part === 'block') upload.blocks.set(url.searchParams.get('blockid') ?? '', body)
    else if (part === 'blocklist') {
      const ids = [...body.toString().matchAll(/<(?:Latest|Uncommitted)>([^<]*)</g)].map(([, id = '']) => id)
      upload.blob = Buffer.concat(ids.map((id) => upload.blocks.get(id) ?? Buffer.alloc(0)))
    } else upload.blob = body
    const headers = {
      etag: '"0x1"',
      'last-modified': new Date(0).toUTCString(),
      'x-ms-request-id': '1',
      'x-ms-version': '2025-01-01',
    }
    response.writeHead(201, {...headers, date: new Date(0).toUTCString()}).end()
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(body))
}
