import {listBackends} from './backend-answers.ts'
import {listModels, listParameters} from './model-answers.ts'
import {describeModel, findModel} from './models.ts'
import {mayDo, permissionsOf} from './permissions.ts'
import {sleep} from './request.ts'
import type {MockSession, MockUser} from './users.ts'
import type {World} from './world.ts'

export type Body = Readonly<Record<string, unknown>>

interface Call {
  readonly world: World
  readonly session: MockSession
  readonly body: Body
}

interface Route {
  /** The permission it needs; `undefined` for everybody with a session. */
  readonly permission?: string
  /** Not there yet in 0.9.7. */
  readonly newer?: boolean
  /** Declared arguments without which it answers an error (recording 13). */
  readonly arguments?: Readonly<Record<string, 'String' | 'Int32'>>
  readonly answer: (call: Call) => object | Promise<object>
}

/** What the mock answers on `/API/*`, by lower-case name: routes are matched without regard to case. */
export const ROUTES: ReadonlyMap<string, Route> = new Map(
  Object.entries({
    GetCurrentStatus: {
      permission: 'fundamental_generate_tab_access',
      answer: ({world, session}) => world.status(session),
    },
    GetGlobalStatus: {permission: 'read_server_info_panels', newer: true, answer: ({world}) => world.status()},
    ListConnectedUsers: {permission: 'read_server_info_panels', answer: ({world}) => listUsers(world)},
    GetServerResourceInfo: {
      permission: 'read_server_info_panels',
      answer: () => ({
        cpu: {usage: 0, cores: 2},
        system_ram: {total: 25_769_803_776, used: 4_294_967_296, free: 21_474_836_480},
      }),
    },
    ListBackends: {
      permission: 'view_backends_list',
      answer: ({world, body}) => listBackends(world.backends.all, body['full_data'] === true, Date.now()),
    },
    ToggleBackend: {
      permission: 'toggle_backends',
      answer: ({world, body}) =>
        world.backends.toggle(Number(body['backend_id']), body['enabled'] === true)
          ? {result: 'Success.'}
          : {error: 'Invalid backend ID.'},
    },
    DeleteBackend: {
      permission: 'add_remove_backends',
      answer: ({world, body}) =>
        world.backends.remove(Number(body['backend_id'])) ? {result: 'Deleted.'} : {error: 'Invalid backend ID.'},
    },
    RestartBackends: {
      permission: 'restart_backends',
      answer: ({world}) => ({result: 'Success.', count: world.backends.all.length}),
    },
    InterruptAll: {permission: 'basic_image_generation', answer: interruptAll},
    ListModels: {
      permission: 'fundamental_model_access',
      arguments: {path: 'String', depth: 'Int32'},
      answer: ({world, body}) => listModels(world, String(body['subtype'] ?? 'Stable-Diffusion')),
    },
    DescribeModel: {
      permission: 'fundamental_model_access',
      answer: ({world, body}) => {
        const wanted = String(body['modelName'] ?? '').replace(/\.safetensors$/, '')
        return world.settings.models.includes(wanted)
          ? {model: describeModel(wanted, world.backends.loadedModels().has(wanted))}
          : {error: 'Model not found.'}
      },
    },
    ListLoadedModels: {
      permission: 'fundamental_model_access',
      answer: ({world}) => ({models: [...world.backends.loadedModels()].map((name) => describeModel(name, true))}),
    },
    SelectModel: {permission: 'load_models_now', answer: selectModel},
    TriggerRefresh: {permission: 'fundamental_generate_tab_access', answer: ({world}) => listParameters(world)},
    ListT2IParams: {permission: 'fundamental_generate_tab_access', answer: ({world}) => listParameters(world)},
    ListImages: {
      permission: 'view_image_history',
      arguments: {path: 'String', depth: 'Int32'},
      answer: ({session, body}) => session.user.gallery.list(String(body['path']), Number(body['depth'])),
    },
    AdminAddUser: {permission: 'manage_users', answer: addUser},
    CreateAuthToken: {permission: 'user_tab', newer: true, answer: ({session}) => ({token: session.user.token ?? ''})},
    ListRecentLogMessages: {
      permission: 'view_logs',
      answer: ({body}) => ({types_available: LOG_TYPES, last_sequence_id: 0, data: emptyLogs(body['types'])}),
    },
  } satisfies Record<string, Route>).map(([name, route]): [string, Route] => [name.toLowerCase(), route]),
)

const LOG_TYPES = [
  {name: 'Verbose', color: '#606060', identifier: ''},
  {name: 'Debug', color: '#808080', identifier: ''},
  {name: 'Info', color: '#00FFFF', identifier: ''},
  {name: 'Init', color: '#00FF00', identifier: ''},
  {name: 'Warning', color: '#FFFF00', identifier: 'warn'},
  {name: 'Error', color: '#FF0000', identifier: 'error'},
]

/** GetNewSession: the one route without a session (recordings 01, 21, 23). */
export function newSession(world: World, user: MockUser | undefined): object {
  if (!user) return {error: 'Invalid or unauthorized.'}
  const {id} = world.users.open(user)
  return {
    session_id: id,
    user_id: user.name,
    output_append_user: true,
    version: world.old ? '0.9.7.0.GIT-00000000' : `${world.settings.version}.GIT-00000000`,
    server_id: world.users.serverId,
    permissions: permissionsOf(user.role, world.settings.version),
  }
}

/** Login: the page hashes the password; an unknown user and a wrong password get the same answer (recording 23). */
export function login(world: World, body: Body): object {
  const user = world.users.named(String(body['username'] ?? ''))
  const known = user?.passwordHash !== undefined && user.passwordHash === body['password']
  return known ? {success: 'true'} : {error_id: 'invalid_login'}
}

/** Why a declared argument is not acceptable, in the server's words; `undefined` when all are. */
export function argumentProblem(route: Pick<Route, 'arguments'>, body: Body): string | undefined {
  for (const [name, type] of Object.entries(route.arguments ?? {})) {
    const value = body[name]
    if (value === undefined) return `Missing required parameter '${name}'`
    if (type === 'Int32' && !/^-?\d+$/.test(String(value)))
      return `Invalid value '${value}' for parameter '${name}', must be type 'Int32'`
  }
  return undefined
}

function interruptAll({world, session, body}: Call): object {
  const all = body['other_sessions'] === true
  const sessions = all ? world.users.sessionsOf(session.user) : [session]
  // Only what is there now: a request that comes after the answer is untouched (recording 32).
  const requests = sessions.flatMap((session) => [...session.requests])
  setTimeout(() => {
    for (const request of requests) request.abort('interrupt')
  }, world.settings.interrupt_ms).unref()
  return {success: true}
}

function listUsers(world: World): object {
  const users = world.users.all
    .filter((user) => world.users.sessionsOf(user).length > 0)
    .map((user) => ({
      id: user.name,
      last_active_seconds: 0,
      active_sessions: [{address: '127.0.0.1', count: world.users.sessionsOf(user).length}],
      last_active: '0 milliseconds ago',
      ...(world.old ? {} : world.users.sum(user)),
    }))
  return {users}
}

function emptyLogs(types: unknown): object {
  return Object.fromEntries((Array.isArray(types) ? types : []).map((type) => [String(type), []]))
}

async function selectModel({world, session, body}: Call): Promise<object> {
  const model = findModel(world.settings.models, String(body['model'] ?? ''))
  if (model === undefined) return {error: 'Model not found.'}
  session.counters.loading_models++
  await sleep(world.settings.model_load_ms, world.stopped.signal)
  session.counters.loading_models--
  for (const backend of world.backends.all) backend.model = model
  return {success: true}
}

function addUser({world, body}: Call): object {
  const role = body['role'] === 'owner' ? 'owner' : 'user'
  return world.users.add({name: String(body['name'] ?? ''), role})
    ? {success: true}
    : {
        error: world.old
          ? 'A user by that name already exists.'
          : 'A user by that name already exists, or registration failed.',
      }
}

export function allowed({permission}: Pick<Route, 'permission'>, session: MockSession): boolean {
  return permission === undefined || mayDo(session.user.role, permission)
}

/** Who an HTTP request or a WebSocket comes from; `undefined` for a stranger on a server with accounts (recordings 21, 23). */
export function userOf(
  world: World,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): MockUser | undefined {
  const [, token] = /(?:^|;\s*)swarm_token=([^;]+)/.exec(String(headers['cookie'] ?? '')) ?? []
  if (world.settings.accounts) return token === undefined ? undefined : world.users.withToken(token)
  const name = headers['x-swarm-user_id']
  if (typeof name !== 'string') return world.users.named('local')
  return world.users.named(name) ?? world.users.add({name, role: 'user'})
}
