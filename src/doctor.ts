import type {Context} from './context.ts'
import {AgError, ExitCode} from './errors.ts'
import {judgeServer} from './idleness/verdict.ts'
import type {ServerReport} from './server/image-server.ts'
import type {StorageCheck} from './store/session-store.ts'
import {foreignLine} from './text.ts'

export interface DoctorOptions {
  /** Proxy settings of the environment, by name. */
  readonly proxies: Readonly<Record<string, string>>
}

/** One thing that was looked at. `problem`: the pipeline would fail; `warning`: it would work, with this in mind. */
export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly detail: string
  readonly next?: string
}

/** Whether a command would work fully, partly or not for this identity, and what to ask for where it would not. */
export interface CommandCheck {
  readonly command: string
  readonly works: 'fully' | 'partly' | 'no' | 'unknown'
  readonly detail?: string
  /** Permissions to ask the server's owner for. */
  readonly needs?: readonly string[]
}

/** What `doctor --json` prints. */
export interface DoctorResult {
  readonly schemaVersion: 1
  readonly server: string
  readonly version?: string
  readonly user?: string
  readonly checks: readonly Check[]
  readonly commands: readonly CommandCheck[]
  /** 0 when a pipeline would work; else the code it would fail with. */
  readonly exit_code: ExitCode
}

const SKEW_MS = 60_000

/** Looks at everything a pipeline needs: the server, who we are to it, its backends, clocks, the disk, proxies. Writes nothing that stays. */
export async function doctor(context: Context, options: DoctorOptions): Promise<DoctorResult> {
  const {server, sessions, signal} = context
  const [answer, storage] = await Promise.all([ask(context), sessions.checkStorage()])
  signal.throwIfAborted()
  const report = answer instanceof AgError ? undefined : answer
  const commands = report ? checkCommands(report, storage) : []
  const checks = [
    ...(report
      ? [checkServer(context, report), checkBackends(report), checkClock(context)]
      : [failed(answer as AgError)]),
    checkStorage(storage),
    ...checkProxies(options.proxies),
  ]
  return {
    schemaVersion: 1,
    server: server.address,
    ...(report ? {version: foreignLine(report.version, 60), user: foreignLine(report.userId, 60)} : {}),
    checks,
    commands,
    exit_code: exitCode(answer, commands, storage),
  }
}

async function ask({server, signal}: Context): Promise<ServerReport | AgError> {
  try {
    return await server.report(signal)
  } catch (error) {
    if (error instanceof AgError && !signal.aborted) return error
    throw error
  }
}

function exitCode(answer: ServerReport | AgError, commands: readonly CommandCheck[], storage: StorageCheck): ExitCode {
  if (answer instanceof AgError) return answer.exitCode
  if (commands.some(({command, needs}) => command === 'generate' && needs?.some(isNecessary))) return ExitCode.denied
  if (!answer.readiness.usable) return ExitCode.noBackend
  return storage.writable ? ExitCode.done : ExitCode.unforeseen
}

function failed({message, next}: AgError): Check {
  return {name: 'server', state: 'problem', detail: message, ...(next ? {next} : {})}
}

function checkServer({server}: Context, {version, userId, responseMs}: ServerReport): Check {
  const {address} = server.contact()
  const where = address ? ` at ${address}` : ''
  const detail = `SwarmUI ${foreignLine(version, 60)} answers${where} in ${Math.round(responseMs)} ms, as the user "${foreignLine(userId, 60)}"`
  return {name: 'server', state: 'ok', detail}
}

function checkBackends(report: ServerReport): Check {
  const {usable, note} = report.readiness
  const {backends} = report
  const up = backends?.filter(({enabled, status}) => enabled && status === 'running').length
  const detail = [
    backends ? `${up} of ${backends.length} up` : 'this user may not see them',
    backends || note ? '' : 'the server says they are up',
    note ?? '',
    `activity: ${judgeServer(report).idleness}`,
  ]
  if (usable) return {name: 'backends', state: note ? 'warning' : 'ok', detail: detail.filter(Boolean).join('; ')}
  return {
    name: 'backends',
    state: 'problem',
    detail: note ?? 'none could make a picture',
    next: "See the server's Backends tab.",
  }
}

function checkClock({server}: Context): Check {
  const {clockSkewMs} = server.contact()
  if (clockSkewMs === undefined) return {name: 'clock', state: 'ok', detail: 'the server does not tell its time'}
  const seconds = Math.round(Math.abs(clockSkewMs) / 1000)
  if (Math.abs(clockSkewMs) < SKEW_MS) return {name: 'clock', state: 'ok', detail: `${seconds} s from the server's`}
  return {
    name: 'clock',
    state: 'warning',
    detail: `${seconds} s ${clockSkewMs > 0 ? 'behind' : 'ahead of'} the server's`,
    next: 'Set both by NTP: times in histories and on the server would not match.',
  }
}

function checkStorage({folder, fileSystem, writable, locks, reason}: StorageCheck): Check {
  const name = 'state directory'
  if (!writable) {
    return {
      name,
      state: 'problem',
      detail: `${folder} cannot be written: ${reason ?? 'it refuses'}`,
      next: 'Choose another with --state-dir (AG_STATE_DIR).',
    }
  }
  if (locks) return {name, state: 'ok', detail: `${folder} (file system ${fileSystem}) can be written, and locks work`}
  return {
    name,
    state: 'warning',
    detail: `locks do not work between processes in ${folder} (file system ${fileSystem})`,
    next: 'Keep the workspace on a local disk when several processes share it.',
  }
}

function checkProxies(proxies: DoctorOptions['proxies']): Check[] {
  const names = Object.keys(proxies)
  if (names.length === 0) return []
  return [
    {
      name: 'proxy',
      state: 'warning',
      detail: `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} set, but ag connects to the server directly`,
    },
  ]
}

interface Need {
  readonly permission: string
  /** What works less well without it; without this, nothing works. */
  readonly without?: string
}

const GENERATION = 'basic_image_generation'
/** `generate` asks for a model, unless a preset or a workflow has one. */
const MODEL = 'model_params'

/** What each command asks of the server (reference section 1.6). */
const NEEDS: Readonly<Record<string, readonly Need[]>> = {
  generate: [
    {permission: GENERATION},
    {permission: MODEL},
    {
      permission: 'fundamental_generate_tab_access',
      without: 'model and parameter names are not checked before they are sent',
    },
  ],
  status: [
    {permission: 'read_server_info_panels', without: 'the work of others is unknown'},
    {permission: 'view_backends_list', without: 'backends are not listed'},
    {permission: 'fundamental_model_access', without: 'models are not counted'},
    {permission: 'comfy_direct_calls', without: 'ComfyUI queues are not seen'},
  ],
  'wait-idle': [
    {permission: 'read_server_info_panels', without: 'only --scope own gives an answer'},
    {permission: 'view_backends_list', without: 'ComfyUI queues are not seen, and --require-backends cannot be met'},
    {permission: 'comfy_direct_calls', without: 'work that others send to ComfyUI directly is not seen'},
  ],
  cancel: [{permission: GENERATION}],
  recover: [
    {permission: 'view_image_history', without: 'pictures are only found under the names that they should have'},
  ],
}

/** Commands that write histories, or have the server make something. */
const WRITES: ReadonlySet<string> = new Set(['generate', 'cancel', 'recover'])

function checkCommands(report: ServerReport, storage: StorageCheck): CommandCheck[] {
  return Object.entries(NEEDS).map(([command, needs]) => {
    const blocked = [
      ...(WRITES.has(command) && !storage.writable ? ['the state directory cannot be written'] : []),
      ...(command === 'generate' && !report.readiness.usable ? ['no backend could make a picture'] : []),
    ]
    const check = checkCommand(command, needs, report)
    if (blocked.length === 0) return check
    return {...check, works: 'no', detail: [...blocked, ...(check.detail ? [check.detail] : [])].join('; ')}
  })
}

function checkCommand(command: string, needs: readonly Need[], report: ServerReport): CommandCheck {
  const granted = new Set(report.permissions)
  if (granted.size === 0) return {command, works: 'unknown', detail: 'this server does not tell permissions'}
  const missing = granted.has('*') ? [] : needs.filter(({permission}) => !granted.has(permission))
  const others = report.activityUnknown?.because === 'version' ? needs.find(isAboutOthers) : undefined
  const details = [
    ...missing.map(({permission, without}) => without ?? `it needs ${permission}`),
    ...(others ? [`${report.activityUnknown?.message}: ${others.without}`] : []),
  ]
  if (details.length === 0) return {command, works: 'fully'}
  return {
    command,
    works: missing.some(({without}) => without === undefined) ? 'no' : 'partly',
    detail: details.join('; '),
    ...(missing.length > 0 ? {needs: missing.map(({permission}) => permission)} : {}),
  }
}

function isAboutOthers({permission}: Need): boolean {
  return permission === 'read_server_info_panels'
}

function isNecessary(permission: string): boolean {
  return permission === GENERATION || permission === MODEL
}
