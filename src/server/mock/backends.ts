import type {BackendSettings, MockSettings} from './options.ts'

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

  get makesPictures(): boolean {
    return this.settings.type !== 'simpleremotellm'
  }

  get usable(): boolean {
    return this.settings.status === 'running' && this.makesPictures
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
}
