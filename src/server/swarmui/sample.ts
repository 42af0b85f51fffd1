import type * as z from 'zod/mini'
import {UnreachableError} from '../../errors.ts'
import {foreignLine} from '../../text.ts'
import type {ActivitySample, Backend, BackendQueue, BusyUser, SampleOptions} from '../image-server.ts'
import {type ApiError, parseJson} from './answer.ts'
import {readBackends} from './backends.ts'
import {ifAllowed, isRefused, whyUnknown} from './refusal.ts'
import type {SwarmSession} from './swarm-session.ts'
import type {Transport} from './transport.ts'
import {readiness} from './usable.ts'
import {backendMap, comfyQueue, connectedUsers, statusBody, toActivity} from './wire.ts'

const QUEUE_LIMIT = 16 * 2 ** 20
/** Who keeps a server busy is for people to read. */
const USERS_EVERY_MS = 1000
/** No permission (recording 35), or no such page. */
const CLOSED = new Set([302, 401, 403, 404])
const LASTING = new Set(['bad_permissions', 'bad_route'])

/**
 * Looks at a server again and again, with one request at a time. GetGlobalStatus is what tells of all users: the counters
 * of our own session are all 0 while the server works for another (recording 05), and a backend that is `running` is merely
 * up. A quiet server is then asked for its backends and for the ComfyUI queues behind it, which see work that its counters
 * do not (recording 35); a busy one, from time to time, for who keeps it busy. What this identity may not ask, it asks once.
 */
export class Sampler {
  readonly #transport: Transport
  readonly #session: SwarmSession
  readonly #refused = new Map<string, ApiError>()
  readonly #monotonic: () => number
  readonly #closedQueues = new Set<string>()
  #users: readonly BusyUser[] | undefined
  #askedForUsers = Number.NEGATIVE_INFINITY

  constructor(transport: Transport, session: SwarmSession, monotonic: () => number) {
    this.#monotonic = monotonic
    this.#transport = transport
    this.#session = session
  }

  async sample(options: SampleOptions): Promise<ActivitySample> {
    const {signal, answerWithin, own = false, thorough = false} = options
    const global = own ? undefined : await this.#ask('GetGlobalStatus', statusBody, {}, options)
    const known = global && !isRefused(global) ? global : undefined
    const body = known ?? (await this.#session.call('GetCurrentStatus', statusBody, {}, signal, answerWithin))
    const {status, any_loading: loading} = body.backend_status
    const message = body.backend_status.message ?? ''
    const activity = known && toActivity(known.status)
    const busy = activity !== undefined && activity.waitingGens > 0
    const wanted = thorough || (own ? status === 'errored' : !busy)
    const backends = wanted ? await this.#backends(options) : undefined
    const backendsDenied = this.#refused.get('ListBackends')?.errorId === 'bad_permissions'
    const queues = backends && !own ? await this.#queues(backends, options) : []
    const busyUsers = busy ? await this.#busyUsers(options) : undefined
    return {
      ...(activity ? {activity} : {}),
      ...(isRefused(global) ? {activityUnknown: whyUnknown(global)} : {}),
      backendStatus: {status, message, loading},
      readiness: readiness(status, backends),
      ...(backends ? {backends} : {}),
      ...(backendsDenied ? {backendsDenied} : {}),
      ...(queues.length > 0 ? {queues} : {}),
      ...(busyUsers ? {busyUsers} : {}),
    }
  }

  async #backends(options: SampleOptions): Promise<readonly Backend[] | undefined> {
    const body = {nonreal: true, full_data: options.thorough ?? false}
    const answer = await this.#ask('ListBackends', backendMap, body, options)
    return isRefused(answer) ? undefined : readBackends(answer)
  }

  async #busyUsers(options: SampleOptions): Promise<readonly BusyUser[] | undefined> {
    if (!options.thorough && this.#monotonic() - this.#askedForUsers < USERS_EVERY_MS) return this.#users
    this.#askedForUsers = this.#monotonic()
    try {
      const answer = await this.#ask('ListConnectedUsers', connectedUsers, {}, options)
      this.#users = isRefused(answer) ? undefined : readBusyUsers(answer.users)
    } catch (error) {
      // That it is busy is known without.
      if (!(error instanceof UnreachableError)) throw error
    }
    return this.#users
  }

  async #queues(backends: readonly Backend[], options: SampleOptions): Promise<readonly BackendQueue[]> {
    const queues: BackendQueue[] = []
    for (const {id, type, status, enabled} of backends) {
      if (!enabled || status !== 'running' || !type.startsWith('comfyui_') || this.#closedQueues.has(id)) continue
      const queue = await this.#queueOf(id, options)
      if (queue) queues.push(queue)
    }
    return queues
  }

  /** A ComfyUI's queue; `undefined` where we may not see it, which does not change while we look. */
  async #queueOf(backend: string, options: SampleOptions): Promise<BackendQueue | undefined> {
    const headers = {'x-swarm-backend-id': backend}
    try {
      const answer = await this.#transport.get('ComfyBackendDirect/queue', QUEUE_LIMIT, {...options, headers})
      if (CLOSED.has(answer.status)) return void this.#closedQueues.add(backend)
      const {data: queue} = comfyQueue.safeParse(answer.status === 200 ? parseJson(answer) : undefined)
      if (!queue) return {backend}
      return {backend, entries: {running: queue.queue_running.length, pending: queue.queue_pending.length}}
    } catch (error) {
      // The link to the server itself is judged by its own routes.
      if (error instanceof UnreachableError) return {backend}
      throw error
    }
  }

  /** A route's answer or refusal; one for want of a permission, or of the route itself, is not asked for again. */
  async #ask<Shape extends z.core.$ZodType>(
    route: string,
    shape: Shape,
    body: object,
    {signal, answerWithin}: SampleOptions,
  ): Promise<z.output<Shape> | ApiError> {
    const before = this.#refused.get(route)
    if (before) return before
    const answer = await ifAllowed(this.#session.call(route, shape, body, signal, answerWithin))
    if (isRefused(answer) && LASTING.has(answer.errorId)) this.#refused.set(route, answer)
    return answer
  }
}

/** `undefined` from a server that tells who is there, and not what they wait for. */
function readBusyUsers(users: z.output<typeof connectedUsers>['users']): readonly BusyUser[] | undefined {
  const counted = users.flatMap(({id, waiting_gens: waitingGens}) =>
    waitingGens === undefined ? [] : [{user: foreignLine(id, 60), waitingGens}],
  )
  return counted.length < users.length ? undefined : counted.filter(({waitingGens}) => waitingGens > 0)
}
