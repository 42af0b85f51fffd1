import {isRecord} from './record.ts'
import type {Session, SessionRequest} from './session.ts'

const HIDDEN = '(redacted)'

/**
 * A line of a history as everybody may read it: what the prompts were is left out, and it says so. Only a session's first line
 * has them. A line that is none stays as it is.
 */
export function withoutPrompts(text: string): string {
  if (!text.includes('"request"')) return text
  const line = parse(text)
  if (!line || !isRecord(line['metadata'])) return text
  const {metadata} = line
  const {request} = metadata
  if (!isRecord(request)) return text
  const hidden = {...request, prompt: HIDDEN, parameters: hidePrompts(request['parameters']), redacted: true}
  return JSON.stringify({...line, metadata: {...metadata, request: hidden}})
}

/** The same of a later line, whose message may quote the session's prompts. */
export function withoutQuotedPrompts(text: string, prompts: readonly string[]): string {
  const line = parse(text)
  const {message, ag} = line ?? {}
  if (!isRecord(ag)) return text
  const result = isRecord(ag['result']) ? ag['result'] : {}
  const [shown, error] = [message, result['error']].map((part) =>
    typeof part === 'string' ? withoutQuotes(part, prompts) : part,
  )
  if (shown === message && error === result['error']) return text
  const ended = 'result' in ag ? {result: {...result, ...(error === undefined ? {} : {error})}} : {}
  return JSON.stringify({...line, message: shown, ag: {...ag, ...ended}})
}

/** Whether something was taken from a line: its prompts, or a message that quoted them. */
export function isRedacted({
  request,
  session: {message, result},
}: {
  readonly request?: Pick<SessionRequest, 'redacted'>
  readonly session: Pick<Session, 'message' | 'result'>
}): boolean {
  return request?.redacted === true || message === INSTEAD || result?.error === INSTEAD
}

/** A line without anything that is ever taken from one: two copies of a line are the same where this is. */
export function withoutAllWords(text: string): string {
  const line = parse(withoutPrompts(text))
  const ag = isRecord(line?.['ag']) ? line['ag'] : {}
  const result = isRecord(ag['result']) ? {result: {...ag['result'], error: INSTEAD}} : {}
  return JSON.stringify({...line, message: INSTEAD, ag: {...ag, ...result}})
}

/** Whether a parameter is a prompt: SwarmUI has several (`prompt`, `negativeprompt`, those of refiners and extensions). */
export function isPrompt(parameter: string): boolean {
  return /prompt/i.test(parameter)
}

const QUOTED_FROM = 12
const INSTEAD = '(the message quotes the prompt)'

/**
 * A message that everybody may read: servers quote the prompt that they stumbled over, with other white space, or only its
 * beginning. Then nothing of the message is shown.
 */
export function withoutQuotes(message: string, prompts: readonly string[]): string {
  const text = onOneLine(message)
  const quotes = prompts.some((prompt) => {
    const beginning = onOneLine(prompt).slice(0, QUOTED_FROM)
    // A few letters would be in any message.
    return beginning.length >= 4 && text.includes(beginning)
  })
  return quotes ? INSTEAD : message
}

/** The prompts among parameters. */
export function promptsIn(parameters: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(parameters).flatMap(([name, value]) =>
    isPrompt(name) && typeof value === 'string' ? [value] : [],
  )
}

function onOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function hidePrompts(parameters: unknown): unknown {
  if (!isRecord(parameters)) return {}
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, isPrompt(name) ? HIDDEN : value]))
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const line: unknown = JSON.parse(text)
    return isRecord(line) ? line : undefined
  } catch {
    return undefined
  }
}
