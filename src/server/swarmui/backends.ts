import type {Backend} from '../image-server.ts'
import {backendEntry} from './wire.ts'

/**
 * The backends of a ListBackends answer that make pictures; its root is a map by id that may hold other keys, too. Those of a
 * SwarmUI behind this one have negative ids, and the entry that controls them loads no models; backends for other work than pictures do not
 * say whether they do (reference 3.2).
 */
export function readBackends(answer: Readonly<Record<string, unknown>>): readonly Backend[] {
  const entries = Object.entries(answer)
    .filter(([id]) => /^-?\d+$/.test(id))
    .flatMap(([id, entry]) => {
      const {data} = backendEntry.safeParse(entry)
      return data ? [{...data, id}] : []
    })
  const isTold = entries.some(({can_load_models: loads}) => loads !== undefined)
  return entries
    .filter(({can_load_models: loads}) => loads ?? !isTold)
    .map(({id, type, status, enabled, title, current_model: model}) => {
      const interruptible = type !== 'auto_webui_api'
      return {id, type, status, enabled, interruptible, title: title ?? '', ...(model ? {model} : {})}
    })
    .sort((a, b) => Number(a.id) - Number(b.id))
}
