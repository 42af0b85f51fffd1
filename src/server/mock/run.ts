import {setImmediate} from 'node:timers/promises'
import type {MockBackend, Place} from './backends.ts'
import {readExtraMetadata} from './metadata.ts'
import {ParameterRefused, understand} from './parameters.ts'
import {mayDo} from './permissions.ts'
import {type GenerationRequest, type Sink, sleep} from './request.ts'
import {INTERRUPTED, sample} from './sample.ts'
import {saveBatch} from './save.ts'
import type {MockSession} from './users.ts'
import type {World} from './world.ts'

/**
 * One generation request from its first status frame to its `discard_indices`. `firstIndex` is where its batch indices
 * begin: further requests on a socket go on counting (recording 24).
 */
export async function runRequest(
  world: World,
  session: MockSession,
  body: Readonly<Record<string, unknown>>,
  sink: Sink,
  firstIndex = 0,
): Promise<void> {
  const images = Number(body['images'])
  const {counters} = session
  const status = (): void => sink.send(world.status(session))
  counters.waiting_gens += images
  if (!world.old) status()
  const interruption = new AbortController()
  session.requests.add(interruption)
  let request: GenerationRequest | undefined
  try {
    const understood = understand(body, {
      models: world.settings.models,
      loras: world.settings.loras,
      old: world.old,
      mayPickBackend: mayDo(session.user.role, 'param_backend_id'),
    })
    request = {
      world,
      session,
      sink,
      understood,
      images,
      batch: Number(understood['batchsize'] ?? 1),
      firstIndex,
      requestId: String(session.user.nextRequestId++),
      extra: readExtraMetadata(body['extra_metadata']),
      presets: Array.isArray(body['presets']) ? {presets_used: body['presets']} : {},
      fault: world.faults.ofGeneration(String(understood['prompt'] ?? '')) ?? {},
      swallowErrors: understood['continueaftererrors'] === true,
      interruption,
      released: 0,
      dispatched: false,
    }
    world.generations++
    if (request.fault.drop === 'before') return sink.drop()
    await runPictures(request)
    sink.send({discard_indices: []})
  } catch (error) {
    if (!(error instanceof ParameterRefused)) throw error
    sink.send({error: error.message})
  } finally {
    session.requests.delete(interruption)
    // What vanished without a frame is only now counted out, and no status frame says so (recordings 06, 07).
    if (interruption.signal.reason !== 'restart') counters.waiting_gens -= images - (request?.released ?? 0)
  }
}

async function runPictures(request: GenerationRequest): Promise<void> {
  const {world, images} = request
  const running = new Set<Promise<void>>()
  for (let index = 0; index < images && !request.interruption.signal.aborted; index++) {
    if (running.size >= world.backends.parallelPerUser) await Promise.race(running)
    const picture = runPicture(request, index).finally(() => running.delete(picture))
    running.add(picture)
    request.dispatched = index === images - 1
    // One after the other: what fails at once stops those that were not dispatched yet (recording 14).
    await setImmediate()
  }
  await Promise.all(running)
}

/** One picture (or batch): claims a backend, loads the model, computes, saves. */
async function runPicture(request: GenerationRequest, index: number): Promise<void> {
  const {world, session, sink, interruption} = request
  const {counters} = session
  const status = (): void => sink.send(world.status(session))
  const vanish = (): void => {
    if (interruption.signal.reason === 'restart') return
    counters.waiting_backends--
    status()
    stillAlive(request)
  }
  counters.waiting_backends++
  status()
  await sleep(world.settings.claim_ms, interruption.signal)
  const place = await world.backends.claim(interruption.signal)
  if (!place) {
    if (interruption.signal.aborted) return vanish()
    await sleep(world.settings.no_backend_ms, AbortSignal.any([interruption.signal, world.stopped.signal]))
    counters.waiting_backends--
    fail(request, 'No backends available!')
    status()
    stillAlive(request)
    return
  }
  try {
    const failure = await loadModel(request, place.backend)
    if (interruption.signal.aborted) return vanish()
    counters.waiting_backends--
    if (failure) {
      fail(request, failure)
      status()
      stillAlive(request)
      return
    }
    status()
    counters.live_gens++
    status()
    await computePicture(request, index, place)
  } finally {
    place.release()
  }
}

async function loadModel(
  {world, session, sink, understood, interruption}: GenerationRequest,
  backend: MockBackend,
): Promise<string | undefined> {
  const model = String(understood['model'] ?? '')
  if (model === '' || backend.model === model) return undefined
  if (backend.settings.type === 'auto_webui_api') {
    backend.model = model
    return undefined
  }
  session.counters.loading_models++
  sink.send(world.status(session))
  await sleep(world.settings.model_load_ms, AbortSignal.any([interruption.signal, world.stopped.signal]))
  if (interruption.signal.reason !== 'restart') session.counters.loading_models--
  if (!backend.settings.gone) {
    backend.model = model
    return undefined
  }
  return [
    `All available backends failed to load the model '/srv/swarmui/Models/Stable-Diffusion/${model}.safetensors'.`,
    '',
    'Possible reason: System.Net.WebSockets.WebSocketException (0x80004005): Unable to connect to the remote server',
    '   at System.Net.WebSockets.ClientWebSocket.ConnectAsyncCore(Uri uri)',
  ].join('\n')
}

async function computePicture(request: GenerationRequest, index: number, {backend}: Place): Promise<void> {
  const {world, session, sink, interruption} = request
  const {counters} = session
  const {signal} = interruption
  const uninterruptible = backend.settings.type === 'auto_webui_api'
  await backend.compute(async () => {
    const stop = uninterruptible ? world.stopped.signal : AbortSignal.any([signal, world.stopped.signal])
    const failure = stop.aborted ? INTERRUPTED : await sample(request, index, backend, stop)
    if (world.stopped.signal.aborted || signal.reason === 'restart') return
    if (failure === undefined) saveBatch(request, index)
    else if (failure !== '') fail(request, failure)
    counters.waiting_gens--
    request.released++
    counters.live_gens--
    sink.send(world.status(session))
    stillAlive(request)
  })
}

/** A sign of life at each picture's end, but none while there are more to dispatch (recording 26). */
function stillAlive({sink, dispatched, interruption}: GenerationRequest): void {
  if (dispatched || interruption.signal.aborted) sink.send({keep_alive: true})
}

/** A failing picture tells its error and interrupts its siblings of the same request (recording 14). */
function fail({sink, swallowErrors, interruption}: GenerationRequest, error: string): void {
  if (swallowErrors) return
  sink.send({error})
  interruption.abort('sibling')
}
