const SWARM_SESSION = /^[0-9a-f]{40}$/i

/** The longest first: one may be a part of another. */
let secrets: readonly string[] = []
const listeners = new Set<(secret: string) => void>()

/** Registers a value that must never be printed, logged or stored; short ones are ignored, they would blank out words. */
export function addSecret(value: string | undefined): void {
  if (!value || value.length < 6 || secrets.includes(value)) return
  secrets = [...secrets, value].sort((a, b) => b.length - a.length)
  for (const heard of listeners) heard(value)
}

/** Tells of each secret, those known already and those to come: for a log that masks what it is told of. */
export function onSecret(heard: (secret: string) => void): void {
  listeners.add(heard)
  for (const secret of secrets) heard(secret)
}

/**
 * The one redactor: replaces registered secrets, SwarmUI session ids and passwords in URLs. Everything that leaves the
 * process as text (logs, events, history) passes through it.
 */
export function redact(text: string): string {
  let clean = text
  for (const secret of secrets) clean = clean.replaceAll(secret, '***')
  return clean
    .replace(/("?session_id"?\s*[:=]\s*"?)[0-9a-f]{40}/gi, '$1***')
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/"<>\\]+@/gi, '$1***@')
}

/**
 * `redact` for each text in a value of JSON, which otherwise stays what it is. JSON is redacted before it is written: in written
 * JSON a secret with a quote in it looks otherwise, and what is cut from it may be more than one text.
 */
export function redactValues<T>(value: T, key = ''): T {
  if (typeof value === 'string') {
    return (key.toLowerCase() === 'session_id' && SWARM_SESSION.test(value) ? '***' : redact(value)) as T
  }
  if (Array.isArray(value)) return value.map((part) => redactValues(part)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, redactValues(part, name)])) as T
}

/** `redactValues` of JSON as it stands: the same text where there is nothing to redact. Throws `SyntaxError` for what is no JSON. */
export function redactJson(text: string): string {
  const value: unknown = JSON.parse(text)
  const clean = JSON.stringify(redactValues(value))
  return clean === JSON.stringify(value) ? text : clean
}
