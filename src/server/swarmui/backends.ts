import type {Backend} from '../image-server.ts'
import {backendEntry} from './wire.ts'

/** The real backends of a ListBackends answer, whose root is a map by id that may hold other keys, too. */
export function readBackends(answer: Readonly<Record<string, unknown>>): readonly Backend[] {
  return Object.entries(answer)
    .filter(([id]) => /^\d+$/.test(id))
    .flatMap(([id, entry]) => {
      const {data} = backendEntry.safeParse(entry)
      if (!data) return []
      const {type, status, enabled, title, current_model: model} = data
      const interruptible = type !== 'auto_webui_api'
      return [{id, type, status, enabled, interruptible, title: title ?? '', ...(model ? {model} : {})}]
    })
    .sort((a, b) => Number(a.id) - Number(b.id))
}
