import {once} from 'node:events'
import {UsageError} from '../errors.ts'
import {startMock} from '../server/mock/start.ts'

interface MockFlags {
  readonly port: number
  readonly host: string
  readonly set: string | undefined
}

/** Runs the mock server until the signal is aborted. Throws `UsageError` for options it does not know. */
export async function serveMock(
  {port, host, set}: MockFlags,
  signal: AbortSignal,
  listening: (url: string) => void,
): Promise<{readonly url: string}> {
  await using mock = await startMock({...readOptions(set), port, host})
  listening(mock.url)
  if (!signal.aborted) await once(signal, 'abort')
  return {url: mock.url}
}

function readOptions(text: string | undefined): object {
  if (text === undefined) return {}
  try {
    const options: unknown = JSON.parse(text)
    if (typeof options === 'object' && options !== null) return options
  } catch {
    // Told below, like any other text that is no object.
  }
  throw new UsageError('--set is not a JSON object.', {next: `Example: --set '{"step_ms": 200}'`})
}
