import {randomUUID} from 'node:crypto'
import type {IncomingMessage, ServerResponse} from 'node:http'
import {sendJson, sendPage} from './answers.ts'
import {mayDo} from './permissions.ts'
import {userOf} from './routes.ts'
import type {World} from './world.ts'

/** The queue of the ComfyUI behind a backend, which also has the work that SwarmUI does not know of (recording 35). */
export function comfyQueue(world: World, request: IncomingMessage, response: ServerResponse): void {
  const user = userOf(world, request.headers)
  if (!user || !mayDo(user.role, 'comfy_direct_calls')) return sendPage(response, 401, page('Permission denied.'))
  const id = Number(request.headers['x-swarm-backend-id'] ?? 0)
  const backend = world.backends.all.find(
    (candidate) => candidate.id === id && candidate.settings.type === 'comfyui_api',
  )
  if (!backend) return sendPage(response, 400, page('No ComfyUI backend available, loading failed.'))
  const entries = Array.from({length: backend.queued + world.settings.comfy_queue}, (_, at) => [at + 2, randomUUID()])
  sendJson(response, 200, {queue_running: entries.slice(0, 1), queue_pending: entries.slice(1)})
}

function page(text: string): string {
  return `<!DOCTYPE html>\n<html>\n<body>\n<span class="comfy-failed-to-load">${text}</span>\n</body>\n</html>`
}
