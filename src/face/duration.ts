import {UsageError} from '../errors.ts'

const UNITS: Readonly<Record<string, number>> = {ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000}

/** As `parseDuration`, for ages: nobody waits for them, so they may be years. */
export function parseAge(text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(text.trim()) ?? []
  const ms = Number(amount) * (UNITS[unit] ?? Number.NaN)
  if (Number.isFinite(ms)) return ms
  throw new UsageError(`"${text}" is not a duration.`, {next: 'Write it as 45s, 30m, 2h or 30d.'})
}

/** Milliseconds of `90s`, `1.5h`, `500ms`; a bare number counts seconds. Throws `UsageError` for anything else. */
export function parseDuration(text: string): number {
  const ms = parseAge(text)
  if (ms <= 2 ** 31 - 1) return ms
  throw new UsageError(`"${text}" is too long to wait for.`, {next: 'At most 24 days.'})
}
