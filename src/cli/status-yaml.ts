import {stringify} from 'yaml'
import type {StatusResult} from '../status.ts'

/** A status as YAML, with the keys it has as JSON. In a file of its own, so that only `--format yaml` loads the library. */
export function statusYaml(result: StatusResult): string {
  return stringify(result)
}
