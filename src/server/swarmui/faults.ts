import {DeniedError} from '../../errors.ts'
import {redact} from '../../secrets.ts'
import {foreignLine} from '../../text.ts'
import {GenerationError, type GenerationFault} from '../image-server.ts'

interface Verdict {
  readonly fault: GenerationFault
  readonly next?: string
}

/**
 * SwarmUI's error texts (reference section 5.1, recordings 06, 12, 14, 15, 17) are English, unlocalised and no stable
 * interface, so they are matched by their beginnings. What matches none is `rejected`: trying again what we do not
 * understand costs GPU time.
 */
const TEXTS: readonly (readonly [RegExp, Verdict])[] = [
  [/^Generation session interrupted/i, {fault: 'interrupted'}],
  [/^Something went wrong while generating/i, {fault: 'failed'}],
  [/^No backends available/i, {fault: 'failed', next: "Look at the server's Backends tab: none of them is running."}],
  [/^No images were generated/i, {fault: 'failed', next: "The reason is in the server's log."}],
  [/^ComfyUI execution error/i, {fault: 'failed'}],
  [/^Timeout! All backends are occupied/i, {fault: 'failed'}],
  [/^Backend handler is shutting down/i, {fault: 'failed'}],
  [/^Server failed to save an image/i, {fault: 'failed', next: "The server's disk may be full."}],
  [/^No model input given/i, {fault: 'rejected', next: 'Name a model: `model` in the manifest, or --model.'}],
  [
    /^No backends match the settings/i,
    {fault: 'rejected', next: "No backend has this model or feature: see the server's Backends tab."},
  ],
  [
    /^You do not have permission to use parameter/i,
    {fault: 'rejected', next: "Leave it out, or ask the server's owner for the permission."},
  ],
  // The same request succeeds once the backend's process is back (recording 15).
  [
    /^All available backends failed to load the model.*(Connection refused|Unable to connect|HttpRequestException|WebSocketException)/is,
    {fault: 'failed', next: "A backend's process is not there: see the server's Backends tab."},
  ],
  [
    /^All available backends failed to load the model/i,
    {fault: 'rejected', next: "The reason is in the server's log."},
  ],
]

/** What an error text of the server means for the picture it was asked for. */
export function generationFault(text: string, errorId?: string): GenerationError | DeniedError {
  const message = `SwarmUI: ${serverText(text)}`
  // Of the route, so of every picture; a parameter that is not permitted comes without an id (recording 21).
  if (errorId === 'bad_permissions') {
    return new DeniedError(message, {next: "Ask the server's owner for the permission to generate."})
  }
  const known = TEXTS.find(([pattern]) => pattern.test(text))?.[1]
  return new GenerationError(known?.fault ?? 'rejected', message, {next: known?.next})
}

/**
 * A server's text for people: one line, and without the file paths and stack traces that SwarmUI puts into some of them
 * (recording 15).
 */
export function serverText(text: string): string {
  const withoutTrace = text.split(/\n\s+at |\r?\nPossible reason:/)[0] ?? ''
  return redact(foreignLine(withoutTrace.replace(/'(?:[A-Za-z]:)?[/\\][^']*[/\\]([^'/\\]+)'/g, "'$1'"), 300))
}
