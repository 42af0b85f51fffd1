import type WebSocket from 'ws'
import type {ParameterValue} from '../../asset/parameter.ts'
import {type Clock, systemClock} from '../../clock.ts'
import {withRetries} from '../../retry.ts'
import {chooseOwn, findOwn} from '../find-own.ts'
import type {
  ActivityCounters,
  ActivitySample,
  CheckOptions,
  Contact,
  FoundPicture,
  GeneratedImage,
  GenerateHooks,
  ImageRequest,
  ImageServer,
  ModelEntry,
  Readiness,
  SampleOptions,
  ServerReport,
  WantedPicture,
} from '../image-server.ts'
import {GenerationError} from '../image-server.ts'
import {parseServerAddress, refuseCredentialsInTheClear} from './address.ts'
import {ApiError, ForeignAnswerError} from './answer.ts'
import {checkAgainst} from './catalogue.ts'
import {fetchPicture} from './download.ts'
import {findPictures} from './find-pictures.ts'
import {runOverHttp} from './http-run.ts'
import {type Identity, identityHeaders} from './identity.ts'
import {followLostRun} from './lost-run.ts'
import {readModels, readReadiness, readReport} from './report.ts'
import {RunOutcome} from './run-outcome.ts'
import {Sampler} from './sample.ts'
import {type SessionKeeper, SwarmSession} from './swarm-session.ts'
import {Transport} from './transport.ts'
import {interrupted, type ParameterList, parameterList, statusBody, toActivity} from './wire.ts'

/** How often what is withheld is asked for again. */
const WITHHELD_AGAIN = {retries: 2, delayMs: 500} as const

export interface SwarmServerOptions extends Identity {
  /** `http` for proxies that know no WebSockets: no progress, and one long answer. Default `websocket`. */
  readonly transport?: 'websocket' | 'http'
  /** Send credentials over plain HTTP to a public host all the same. */
  readonly allowInsecure?: boolean
  /** Largest picture that is fetched, in bytes. Default 256 MiB. */
  readonly maxPictureBytes?: number
  /** Keeps the SwarmUI session for the next process. Without it, this instance has a session of its own. */
  readonly keeper?: SessionKeeper
  /** What to call it instead of by its address. */
  readonly name?: string
  /** Hears that the server was restarted while we used it. */
  readonly onRestart?: (serverId: string) => void
  readonly clock?: Clock
  /** No sign of life on a generation socket for so long is a broken link, in milliseconds. Default 90 s. */
  readonly silenceMs?: number
  /** How long a server that went away is waited for before a run counts as lost, in milliseconds. Default 2 minutes. */
  readonly patienceMs?: number
}

/** A SwarmUI server as one identity sees it. All requests of an instance share one SwarmUI session. */
export class SwarmServer implements ImageServer {
  readonly kind = 'swarmui'
  readonly address: string
  readonly #transport: Transport
  readonly #session: SwarmSession
  readonly #sampler: Sampler
  readonly #options: SwarmServerOptions
  readonly #clock: Clock
  readonly #lingering = new Set<WebSocket>()
  #catalogue: Promise<ParameterList | undefined> | undefined
  #sessionId: string | undefined
  #running = 0

  /** Throws `UsageError` for an address or a header that cannot be used; connects to nothing yet. */
  constructor(server: string, options: SwarmServerOptions = {}) {
    const address = parseServerAddress(server)
    const authorization = options.authorization ?? address.basicAuthorization
    const {headers, secret} = identityHeaders({...options, authorization})
    if (secret) refuseCredentialsInTheClear(address, options.allowInsecure ?? false)
    this.address = options.name ?? address.display
    this.#transport = new Transport(address, headers)
    this.#session = new SwarmSession(this.#transport, options)
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#sampler = new Sampler(this.#transport, this.#session, () => this.#clock.monotonic())
  }

  async report(signal: AbortSignal): Promise<ServerReport> {
    return readReport(this.#session, this.#sampler, () => this.#clock.monotonic(), signal)
  }

  sample(options: SampleOptions): Promise<ActivitySample> {
    return this.#sampler.sample(options)
  }

  async serverId({signal, fresh}: {readonly signal: AbortSignal; readonly fresh: boolean}): Promise<string> {
    if (fresh) await this.#session.restarted(signal)
    return (await this.#session.get(signal)).server_id
  }

  contact(): Contact {
    return this.#transport.contact
  }

  async readiness(signal: AbortSignal): Promise<Readiness> {
    return readReadiness(this.#session, signal)
  }

  models(signal: AbortSignal): Promise<readonly ModelEntry[]> {
    return readModels(this.#session, signal)
  }

  async check(
    parameters: Readonly<Record<string, ParameterValue>>,
    {signal, allowFuzzyModel}: CheckOptions,
  ): Promise<Record<string, ParameterValue>> {
    this.#catalogue ??= this.#readCatalogue(signal).catch((error: unknown) => {
      this.#catalogue = undefined
      throw error
    })
    const catalogue = await this.#catalogue
    return catalogue ? checkAgainst(catalogue, parameters, {allowFuzzyModel}) : {...parameters}
  }

  async generate(request: ImageRequest, hooks: GenerateHooks): Promise<GeneratedImage> {
    this.#running++
    let running = true
    const stop = (): void => {
      if (running) this.#running--
      running = false
    }
    try {
      return await this.#session.withSession(hooks.signal, (id) => this.#run(id, request, hooks))
    } catch (error) {
      stop()
      if (!(error instanceof GenerationError) || error.fault !== 'lost') throw error
      hooks.onLost?.()
      return await this.#follow(request, hooks.signal).catch((end: unknown) => {
        // It was a proxy without its server all the while: no other picture could fare better.
        const stayedAway = end instanceof GenerationError && end.fault === 'lost'
        throw stayedAway && error.cause instanceof ForeignAnswerError ? error.cause : end
      })
    } finally {
      stop()
    }
  }

  async findPictures(
    run: string,
    wanted: readonly WantedPicture[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FoundPicture>> {
    return findPictures(this.#transport, this.#session, {folder: runFolder(run), run, wanted, signal})
  }

  download(ref: string, signal: AbortSignal): Promise<Uint8Array> {
    return fetchPicture(this.#transport, ref, this.#options.maxPictureBytes ?? 2 ** 28, signal)
  }

  async interrupt(signal: AbortSignal): Promise<void> {
    const id = this.#sessionId
    if (id === undefined || !(await this.interruptWorkOf(id, signal))) return
    // The counters fall late (recordings 06, 07): without this look, "stopped" would be a guess.
    while ((await this.workOf(id, signal))?.waitingGens) await this.#clock.sleep(150, signal)
  }

  async interruptWorkOf(credential: string, signal: AbortSignal): Promise<boolean> {
    const body = {session_id: credential, other_sessions: false}
    return (await unlessForgotten(this.#transport.post('InterruptAll', interrupted, body, {signal}))) !== undefined
  }

  async workOf(credential: string, signal: AbortSignal): Promise<ActivityCounters | undefined> {
    const body = {session_id: credential}
    const answer = await unlessForgotten(this.#transport.post('GetCurrentStatus', statusBody, body, {signal}))
    return answer && toActivity(answer.status)
  }

  async interruptUser(signal: AbortSignal): Promise<void> {
    await this.#session.call('InterruptAll', interrupted, {other_sessions: true}, signal)
  }

  async userId(signal: AbortSignal): Promise<string> {
    return (await this.#session.get(signal)).user_id
  }

  async close(): Promise<void> {
    for (const socket of this.#lingering) socket.terminate()
    await this.#transport.close()
  }

  async #run(sessionId: string, request: ImageRequest, hooks: GenerateHooks): Promise<GeneratedImage> {
    this.#sessionId = sessionId
    await hooks.onSending?.(sessionId)
    const {run, item, key} = request.tag
    const message = {
      session_id: sessionId,
      images: 1,
      ...request.parameters,
      nopreviews: true,
      overrideoutpathformat: serverPath(request),
      extra_metadata: {agrun: run, agitem: item, ...(key === undefined ? {} : {agkey: key})},
    }
    if (this.#options.transport !== 'http') return this.#runOverSocket(message, request, hooks)
    const refs = await runOverHttp(this.#transport, message, hooks, serverPath(request))
    return chooseOwn({download: (ref, signal) => this.#downloadInTheEnd(ref, signal)}, refs, request, hooks.signal)
  }

  async #runOverSocket(message: object, request: ImageRequest, hooks: GenerateHooks): Promise<GeneratedImage> {
    const {runOverSocket} = await import('./socket.ts')
    const steps = Number(request.parameters['steps'])
    const outcome = new RunOutcome(Number.isInteger(steps) && steps > 0 ? steps : undefined)
    let accepted = false
    const end = await runOverSocket({
      transport: this.#transport,
      message,
      signal: hooks.signal,
      silenceMs: this.#options.silenceMs ?? 90_000,
      // A picture may come inside a frame as base64.
      maxPayload: Math.max(2 ** 24, (this.#options.maxPictureBytes ?? 2 ** 28) * 2),
      lingering: this.#lingering,
      onFrame: (frame) => {
        const ended = outcome.observe(frame)
        if (outcome.accepted && !accepted) {
          accepted = true
          hooks.onAccepted?.(serverPath(request))
        }
        hooks.onProgress?.(outcome.progress)
        return ended
      },
    })
    if (outcome.sessionUnknown) throw new ApiError('GenerateText2ImageWS', 'invalid_session_id', '')
    return outcome.conclude(end)
  }

  /** The picture was made: what is withheld for a moment must not have it made again. */
  #downloadInTheEnd(ref: string, signal: AbortSignal): Promise<Uint8Array> {
    const transient = (error: unknown): boolean => error instanceof GenerationError && error.fault === 'withheld'
    return withRetries(() => this.download(ref, signal), {...WITHHELD_AGAIN, clock: this.#clock, signal, transient})
  }

  async #follow(request: ImageRequest, signal: AbortSignal): Promise<GeneratedImage> {
    return followLostRun({
      find: () => findOwn(this, request, signal),
      waitingGens: async () =>
        (await this.#session.call('GetCurrentStatus', statusBody, {}, signal)).status.waiting_gens,
      restarted: () => this.#session.restarted(signal),
      othersRunning: () => this.#running,
      clock: this.#clock,
      signal,
      patienceMs: this.#options.patienceMs ?? 120_000,
    })
  }

  async #readCatalogue(signal: AbortSignal): Promise<ParameterList | undefined> {
    try {
      return await this.#session.call('ListT2IParams', parameterList, {}, signal)
    } catch (error) {
      // Who may generate but not see the list is checked by the server alone.
      if (error instanceof ApiError && error.errorId === 'bad_permissions') return undefined
      throw error
    }
  }
}

/** An answer about a SwarmUI session, or `undefined` when the server knows it no more: then nothing of it can be running. */
async function unlessForgotten<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof ApiError && error.errorId === 'invalid_session_id') return undefined
    throw error
  }
}

/** Where the server puts the picture: a folder for each run, so that ListImages finds it and only it (reference 4.5). */
function serverPath({tag}: ImageRequest): string {
  return `${runFolder(tag.run)}/${tag.item}`
}

function runFolder(run: string): string {
  return `ag/${run}`
}
