import {statusTable} from '../face/status-table.ts'
import type {StatusResult} from '../status.ts'

const CLEAR_SCREEN = '\u001b[2J\u001b[H'

/** A status in the asked-for form, ending with a line break. `again`: one of several, as `--watch` prints them. */
export async function renderStatus(
  result: StatusResult,
  format: 'table' | 'json' | 'yaml',
  again: boolean,
): Promise<string> {
  if (format === 'json') return `${JSON.stringify(result, null, again ? 0 : 2)}\n`
  if (format === 'yaml') {
    const {statusYaml} = await import('./status-yaml.ts')
    return `${again ? '---\n' : ''}${statusYaml(result)}`
  }
  return `${again && process.stdout.isTTY ? CLEAR_SCREEN : ''}${statusTable(result)}`
}
