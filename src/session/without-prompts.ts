const HIDDEN = '(redacted)'

/**
 * A line of a history as it may be shown to everybody: what the prompts were is left out, and that it is. Only a session's
 * first line has them. A line that is none stays as it is.
 */
export function withoutPrompts(text: string): string {
  if (!text.includes('"request"')) return text
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    return text
  }
  if (!isRecord(line) || !isRecord(line['metadata'])) return text
  const {metadata} = line
  const {request} = metadata
  if (!isRecord(request)) return text
  const hidden = {...request, prompt: HIDDEN, parameters: hidePrompts(request['parameters']), redacted: true}
  return JSON.stringify({...line, metadata: {...metadata, request: hidden}})
}

/** SwarmUI has several parameters for prompts (`prompt`, `negativeprompt`, those of refiners and extensions). */
function hidePrompts(parameters: unknown): unknown {
  if (!isRecord(parameters)) return {}
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, /prompt/i.test(name) ? HIDDEN : value]),
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
