import type {BackendSettings, MockSettings} from './options.ts'

const COMFY_FEATURES = [
  'comfyui',
  'refiners',
  'controlnet',
  'endstepsearly',
  'seamless',
  'video',
  'variation_seed',
  'comfy_just_load_model',
  'comfy_saveimage_ws',
  'folderslash',
]
const WEBUI_FEATURES = ['variation_seed', 'autowebui']

/** SwarmUI's summaries of its backends, in the order in which the first that fits is taken (recordings 16 to 18, 34). */
const MESSAGES = {
  empty: [
    'error',
    'No backends present. You must configure backends in the Backends section of the Server tab before you can continue.',
  ],
  all_disabled: [
    'error',
    'All backends are disabled. You must enable backends in the Backends section of the Server tab before you can continue.',
  ],
  errored: ['error', 'Some backends have errored on the server. Check the server logs for details.'],
  some_loading: ['warn', 'Some backends are ready, but others are still loading...'],
  running: ['', ''],
  loading: ['soft', 'Backends are still loading on the server...'],
  idle: ['warn', 'All backends are idle. Cannot generate until at least one backend is running.'],
} as const

/** A place on a backend, held by one picture from claim to end. */
export interface Place {
  readonly backend: MockBackend
  release(): void
}

/** One backend: up to `max_usages` pictures are handed to it, one of them computes at a time. */
export class MockBackend {
  readonly id: number
  readonly settings: BackendSettings
  model: string | null
  usages = 0
  lastUsed: number | undefined
  #computing: Promise<void> = Promise.resolve()
  /** Runs in progress on the backend's own queue. */
  queued = 0

  constructor(id: number, settings: BackendSettings) {
    this.id = id
    this.settings = settings
    this.model = settings.gone ? null : settings.model
  }

  get usable(): boolean {
    return this.settings.status === 'running'
  }

  /** Runs `work` when what was handed over before has ended. */
  async compute(work: () => Promise<void>): Promise<void> {
    const before = this.#computing
    const {promise, resolve} = Promise.withResolvers<void>()
    this.#computing = promise
    this.queued++
    try {
      await before
      await work()
    } finally {
      this.queued--
      resolve()
    }
  }
}

export class Backends {
  readonly #settings: MockSettings
  #list: MockBackend[]
  #waiting: (() => void)[] = []

  constructor(settings: MockSettings) {
    this.#settings = settings
    this.#list = settings.backends.map((backend, id) => new MockBackend(id, backend))
  }

  get all(): readonly MockBackend[] {
    return this.#list
  }

  /** How many pictures of one user are dispatched at once; the others wait inside their request. */
  get parallelPerUser(): number {
    const places = this.#list.filter(({usable}) => usable).reduce((sum, {settings}) => sum + settings.max_usages, 0)
    return Math.max(1, Math.min(32, 2 * places))
  }

  set(settings: readonly BackendSettings[]): void {
    this.#list = settings.map((backend, id) => {
      const known = this.#list[id]
      const fresh = new MockBackend(id, backend)
      fresh.model ??= known && !backend.gone ? known.model : null
      return fresh
    })
    this.wake()
  }

  toggle(id: number, enabled: boolean): boolean {
    const backend = this.#list.find((candidate) => candidate.id === id)
    if (!backend) return false
    backend.settings.status = enabled ? 'running' : 'disabled'
    this.wake()
    return true
  }

  remove(id: number): boolean {
    const before = this.#list.length
    this.#list = this.#list.filter((backend) => backend.id !== id)
    return this.#list.length < before
  }

  /** Takes a place on a backend; `undefined` when there is none and none is coming. */
  async claim(signal: AbortSignal): Promise<Place | undefined> {
    for (;;) {
      if (signal.aborted) return undefined
      const free = this.#list.find(({usable, usages, settings}) => usable && usages < settings.max_usages)
      if (free) return this.#occupy(free)
      if (
        !this.#list.some(({settings: {status}}) => status === 'running' || status === 'loading' || status === 'waiting')
      ) {
        return undefined
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
        signal.addEventListener('abort', () => resolve(), {once: true})
      })
    }
  }

  /** Lets those who wait for a place look again. */
  wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  summary(): object {
    const [status, [cls, message]] = this.#summarise()
    const any_loading = status === 'loading' || status === 'some_loading'
    return {status, class: cls, message, any_loading}
  }

  features(): readonly string[] {
    const usable = this.#list.filter(({usable}) => usable)
    return usable.some(({settings}) => settings.type === 'comfyui_api')
      ? COMFY_FEATURES
      : usable.length > 0
        ? WEBUI_FEATURES
        : []
  }

  /** ListBackends: the root is the map (recording 01). */
  describe(full: boolean, now: number): object {
    return Object.fromEntries(
      this.#list.map(({id, settings, model, lastUsed}) => {
        const comfy = settings.type === 'comfyui_api'
        const seconds = lastUsed === undefined ? 0 : Math.floor((now - lastUsed) / 1000)
        const address = 'http://127.0.0.1:8199'
        return [
          String(id),
          {
            type: settings.type,
            status: settings.status,
            id,
            settings: comfy
              ? {
                  Address: address,
                  AllowIdle: settings.allow_idle,
                  OverQueue: settings.max_usages - 1,
                  EnableFrontendDev: false,
                }
              : {Address: address},
            modcount: 0,
            features: comfy
              ? settings.status === 'running' || settings.status === 'idle'
                ? COMFY_FEATURES
                : ['folderslash']
              : WEBUI_FEATURES,
            enabled: settings.status !== 'disabled',
            title: settings.title,
            max_usages: settings.max_usages,
            seconds_since_used: seconds,
            time_since_used:
              lastUsed === undefined ? 'Never' : seconds === 0 ? '0 seconds from now' : `${seconds} seconds ago`,
            can_load_models: true,
            ...(full ? {current_model: model === null ? null : `${model}.safetensors`} : {}),
          },
        ]
      }),
    )
  }

  loadedModels(): ReadonlySet<string> {
    return new Set(this.#list.flatMap(({model}) => (model === null ? [] : [model])))
  }

  /** A backend with allow_idle notices after a while that its process is gone or back (recording 16). */
  lookAfterIdle(): void {
    for (const {settings} of this.#list) {
      if (!settings.allow_idle) continue
      if (settings.gone && settings.status === 'running') settings.status = 'idle'
      else if (!settings.gone && settings.status === 'idle') settings.status = 'running'
    }
    this.wake()
  }

  get recheckMs(): number {
    return this.#settings.backend_recheck_ms
  }

  #occupy(backend: MockBackend): Place {
    backend.usages++
    backend.lastUsed = Date.now()
    return {
      backend,
      release: () => {
        backend.usages--
        backend.lastUsed = Date.now()
        this.wake()
      },
    }
  }

  #summarise(): [string, readonly [string, string]] {
    const have = new Set(this.#list.map(({settings}) => settings.status))
    const enabled = this.#list.filter(({settings}) => settings.status !== 'disabled')
    const loading = have.has('loading') || have.has('waiting')
    if (this.#list.length === 0) return ['empty', MESSAGES.empty]
    if (enabled.length === 0) return ['all_disabled', MESSAGES.all_disabled]
    if (have.has('errored')) return ['errored', MESSAGES.errored]
    if (have.has('running') && loading) return ['some_loading', MESSAGES.some_loading]
    if (have.has('running')) return ['running', MESSAGES.running]
    if (loading) return ['loading', MESSAGES.loading]
    return ['idle', MESSAGES.idle]
  }
}
