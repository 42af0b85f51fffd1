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

/** Whether a parameter is a prompt: SwarmUI has several (`prompt`, `negativeprompt`, those of refiners and extensions). */
export function isPrompt(parameter: string): boolean {
  return /prompt/i.test(parameter)
}

/** A message without the prompt that it may quote; very short ones could be any word. */
export function withoutPrompt(message: string, prompt: string): string {
  return prompt.length < 4 ? message : message.replaceAll(prompt, HIDDEN)
}

function hidePrompts(parameters: unknown): unknown {
  if (!isRecord(parameters)) return {}
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, isPrompt(name) ? HIDDEN : value]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
