import type {ParameterValue} from '../asset/parameter.ts'
import {AgError, ExitCode} from '../errors.ts'

/** One picture to make. One request makes one picture: on SwarmUI a failing picture takes its siblings with it. */
export interface ImageRequest {
  /** Parameters by the server's own names; nothing is added that the user did not set. */
  readonly parameters: Readonly<Record<string, ParameterValue>>
  /** Written into the picture's metadata, so that a later `recover` can tell whose it is. Letters, digits, `_`, `-`. */
  readonly tag: PictureTag
}

/** Whose a picture is. */
export interface PictureTag {
  readonly run: string
  readonly item: string
  /** All that the item's picture depends on, as one word: a later picture of the same item may be another. */
  readonly key?: string
  /** The seed it was asked for with, where pictures of one key have each their own. */
  readonly seed?: number
}

export interface ImageProgress {
  /** 0..1, never falling. */
  readonly fraction: number
  /** The sampler's step and how many there are, where the server tells enough to know. */
  readonly step?: number
  readonly steps?: number
}

export interface GenerateHooks {
  readonly signal: AbortSignal
  /**
   * The request is about to leave, and is held until this is done. `credential` is what another process needs to interrupt
   * this instance's work or to ask after it: never in history or logs.
   */
  readonly onSending?: (credential: string) => Promise<void>
  /** The server has the request: from now on work may go on without us. `handle` is the server's name for it. */
  readonly onAccepted?: (handle: string) => void
  readonly onProgress?: (progress: ImageProgress) => void
  /** The connection broke: the server is asked what became of the work, and waited for. */
  readonly onLost?: () => void
}

/** A finished picture on the server, not yet fetched. */
export interface GeneratedImage {
  /** The server's reference, for `download`: a path, or a `data:` URL. */
  readonly ref: string
  /** What the server says it used, read back from the picture's metadata; absent where it says nothing. */
  readonly seed?: number
  readonly model?: string
}

/** A picture that was looked for. */
export interface FoundPicture extends GeneratedImage {
  /** Nothing but its name says that it is the one: whoever takes it looks into it first. */
  readonly byName?: true
}

/** One picture of a run that somebody looks for. */
export interface WantedPicture {
  readonly item: string
  /** These tell two pictures of one item apart. */
  readonly seed?: number
  readonly key?: string
  /** It cannot have been finished a moment ago: where the run's folder is empty, it is not there. */
  readonly longAgo?: boolean
}

/** Counters as SwarmUI counts them; `waitingGens` includes running work. */
export interface ActivityCounters {
  readonly waitingGens: number
  readonly loadingModels: number
  readonly waitingBackends: number
  readonly liveGens: number
}

/** Why the work of all users is not known. */
export interface UnknownActivity {
  readonly because: 'permission' | 'version' | 'other'
  /** For people: what is missing, as half a sentence. */
  readonly message: string
}

/** The queue of a ComfyUI behind the server, which may hold work that the server's own counters do not (recording 35). */
export interface BackendQueue {
  readonly backend: string
  /** Missing when it did not answer: its process may be gone while SwarmUI calls it running (recording 15). */
  readonly entries?: {readonly running: number; readonly pending: number}
}

/** A user of the server with work on it. */
export interface BusyUser {
  readonly user: string
  readonly waitingGens: number
}

/** What a server says it does at one moment: what a verdict on its idleness rests on. */
export interface ActivitySample {
  /** Work of all users. Missing where this identity may not know it or the server is too old: `activityUnknown` says. */
  readonly activity?: ActivityCounters
  readonly activityUnknown?: UnknownActivity
  readonly backendStatus: BackendSummary
  readonly readiness: Readiness
  /** Missing where nobody told, or this identity may not see them: `backendsDenied`. */
  readonly backends?: readonly Backend[]
  readonly backendsDenied?: boolean
  /** Missing where this identity may not see them, or there is no ComfyUI behind the server. */
  readonly queues?: readonly BackendQueue[]
  /** Who has work on the server; missing where this identity may not know or nobody was asked for. */
  readonly busyUsers?: readonly BusyUser[]
}

/** SwarmUI's own summary of its image backends, with its message for people. */
export interface BackendSummary {
  readonly status: string
  readonly message: string
  readonly loading: boolean
}

export interface Backend {
  readonly id: string
  readonly type: string
  /** `running` means up and ready, not busy; `idle` means unreachable (SwarmUI's words, kept). */
  readonly status: string
  readonly enabled: boolean
  /** False when it finishes a picture it has begun, whatever is asked of it (recording 33). */
  readonly interruptible: boolean
  readonly title: string
  readonly model?: string
}

/** What a server says of itself at one moment. A missing field means this identity may not know it, or the server is too old. */
export interface ServerReport extends ActivitySample {
  readonly version: string
  /** Changes with every start of the server. */
  readonly serverId: string
  readonly userId: string
  readonly permissions: readonly string[]
  readonly responseMs: number
  readonly models?: {readonly available: number; readonly loaded: number}
}

/** Whether a server could make a picture now; `note` is a sentence for people. */
export interface Readiness {
  readonly usable: boolean
  readonly note?: string
}

export interface ModelEntry {
  /** As the server lists it, without the file's ending. */
  readonly name: string
  readonly title: string
  readonly loaded: boolean
  readonly hash?: string
}

/** A server that makes pictures. One instance is one identity on one server; `close` frees its sockets. */
export interface ImageServer {
  /** For people and histories: the address without credentials. */
  readonly address: string
  readonly kind: 'swarmui'
  report(signal: AbortSignal): Promise<ServerReport>
  /**
   * One look at what the server does, with one request at a time.
   * Throws `UnreachableError` for a server that is away or answers nonsense, `DeniedError` for authentication.
   */
  sample(options: SampleOptions): Promise<ActivitySample>
  /** Who the server is: changes with each of its starts. `fresh` asks anew, which costs the server one more session. */
  serverId(options: {readonly signal: AbortSignal; readonly fresh: boolean}): Promise<string>
  /** What the last answer showed of the connection; empty before the first. */
  contact(): Contact
  models(signal: AbortSignal): Promise<readonly ModelEntry[]>
  readiness(signal: AbortSignal): Promise<Readiness>
  /** Throws `UsageError` for a model or parameter that the server does not have under exactly this name. */
  check(
    parameters: Readonly<Record<string, ParameterValue>>,
    options: CheckOptions,
  ): Promise<Record<string, ParameterValue>>
  /** Throws `GenerationError`, or the signal's reason. */
  generate(request: ImageRequest, hooks: GenerateHooks): Promise<GeneratedImage>
  /**
   * The pictures of a run that are finished and kept on the server, by item: recognised by the tag in their metadata, or by
   * the path that `generate` chose where the server tells no metadata. What is not in the answer is not there.
   */
  findPictures(
    run: string,
    wanted: readonly WantedPicture[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FoundPicture>>
  /** The picture's bytes, already checked to be a whole picture of the format they claim. */
  download(ref: string, signal: AbortSignal): Promise<Uint8Array>
  /** Cancels everything of this instance on the server, running and queued, and nothing of anybody else. */
  interrupt(signal: AbortSignal): Promise<void>
  /** What the work under a credential comes to; `undefined` when the server knows that credential no more. */
  workOf(credential: string, signal: AbortSignal): Promise<ActivityCounters | undefined>
  /** Cancels everything under a credential; false when the server knows it no more. Returns before the counters fall. */
  interruptWorkOf(credential: string, signal: AbortSignal): Promise<boolean>
  /** Cancels everything of this identity's user, whoever sent it. Returns before the counters fall. */
  interruptUser(signal: AbortSignal): Promise<void>
  /** The user this identity is to the server. */
  userId(signal: AbortSignal): Promise<string>
  close(): Promise<void>
}

export interface Contact {
  /** The numeric address that answered. */
  readonly address?: string
  /** The server's clock less ours, in milliseconds, to about a second; where it stamps its answers. */
  readonly clockSkewMs?: number
}

export interface SampleOptions {
  readonly signal: AbortSignal
  /** Milliseconds to the answer of each request. */
  readonly answerWithin: number
  /** Leave out what others do. */
  readonly own?: boolean
  /** Ask for everything, also for what a verdict on a busy server does not need. */
  readonly thorough?: boolean
}

export interface CheckOptions {
  readonly signal: AbortSignal
  /** Let the server pick the model whose name merely contains the text. */
  readonly allowFuzzyModel: boolean
}

/**
 * Why a picture was not made.
 * - `rejected`: the request itself is wrong; the same request will fail again.
 * - `failed`: the server or its backend failed; worth another try.
 * - `interrupted`: somebody stopped it on the server.
 * - `empty`: the run ended in good order without a picture and without a reason.
 * - `missing`: the server had finished it, and has it no more.
 * - `broken`: the server has it, and cannot read it, or what it sends is no picture.
 * - `withheld`: the server, or something before it, does not hand it out, and does not say that it is not there.
 * - `lost`: the connection broke after the request was accepted and nothing tells what became of it.
 */
export type GenerationFault =
  | 'rejected'
  | 'failed'
  | 'interrupted'
  | 'empty'
  | 'missing'
  | 'broken'
  | 'withheld'
  | 'lost'

export class GenerationError extends AgError {
  override readonly name = 'GenerationError'
  override readonly exitCode = ExitCode.assetsMissing

  readonly fault: GenerationFault

  constructor(fault: GenerationFault, message: string, options: {next?: string | undefined; cause?: unknown} = {}) {
    super(message, options)
    this.fault = fault
  }
}
