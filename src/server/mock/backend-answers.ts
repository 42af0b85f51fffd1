import type {MockBackend} from './backends.ts'

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

/** SwarmUI's summaries of its backends, in the order in which the first that fits is taken (recordings 16 to 18, 34; `disabled` by reference 3.1). */
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
  disabled: ['error', 'Some backends are disabled, please enable or configure them to continue.'],
  idle: ['warn', 'All backends are idle. Cannot generate until at least one backend is running.'],
} as const

/** `backend_status`: one word for all backends, the first that fits. */
export function summarise(backends: readonly MockBackend[]): object {
  const status = summaryWord(backends.filter(({makesPictures}) => makesPictures))
  const [cls, message] = MESSAGES[status]
  return {status, class: cls, message, any_loading: status === 'loading' || status === 'some_loading'}
}

/** `supported_features` of the backends that are up. */
export function featuresOf(backends: readonly MockBackend[]): readonly string[] {
  const usable = backends.filter(({usable}) => usable)
  if (usable.some(({settings}) => settings.type === 'comfyui_api')) return COMFY_FEATURES
  return usable.length > 0 ? WEBUI_FEATURES : []
}

/** ListBackends: the root is the map (recording 01). `full` adds the model each has loaded. */
export function listBackends(backends: readonly MockBackend[], full: boolean, now: number): object {
  return Object.fromEntries(backends.map((backend) => [String(backend.id), describe(backend, full, now)]))
}

function describe({id, settings, model, lastUsed, makesPictures}: MockBackend, full: boolean, now: number): object {
  const comfy = settings.type === 'comfyui_api'
  const seconds = lastUsed === undefined ? 0 : Math.floor((now - lastUsed) / 1000)
  const ago = seconds === 0 ? '0 seconds from now' : `${seconds} seconds ago`
  const known = settings.status === 'running' || settings.status === 'idle'
  const own = {Address: 'http://127.0.0.1:8199'}
  return {
    type: settings.type,
    status: settings.status,
    id,
    settings: comfy
      ? {...own, AllowIdle: settings.allow_idle, OverQueue: settings.max_usages - 1, EnableFrontendDev: false}
      : own,
    modcount: 0,
    features: comfy ? (known ? COMFY_FEATURES : ['folderslash']) : WEBUI_FEATURES,
    enabled: settings.status !== 'disabled',
    title: settings.title,
    max_usages: settings.max_usages,
    seconds_since_used: seconds,
    time_since_used: lastUsed === undefined ? 'Never' : ago,
    ...(makesPictures ? {can_load_models: true} : {}),
    ...(full ? {current_model: model === null ? null : `${model}.safetensors`} : {}),
  }
}

function summaryWord(backends: readonly MockBackend[]): keyof typeof MESSAGES {
  const have = new Set(backends.map(({settings}) => settings.status))
  const loading = have.has('loading') || have.has('waiting')
  if (backends.length === 0) return 'empty'
  if (have.size === 1 && have.has('disabled')) return 'all_disabled'
  if (have.has('errored')) return 'errored'
  if (have.has('running')) return loading ? 'some_loading' : 'running'
  if (loading) return 'loading'
  return have.has('disabled') ? 'disabled' : 'idle'
}
