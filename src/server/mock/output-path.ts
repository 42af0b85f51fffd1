/** What `[placeholders]` of an output path stand for. */
export type PathPlaceholders = Readonly<Record<string, string | number>>

export const DEFAULT_OUTPUT_PATH = 'raw/[year]-[month]-[day]/[hour][minute][request_time_inc]-[prompt]-[model]'

const FORBIDDEN = /[.<>:"\\|?*~&@;#$^\p{Cc}]/gu
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/i
const VALUE_LENGTH = 40

/**
 * The path SwarmUI makes of a format, without ending (recording 10): placeholders are cut at 40 characters and cannot add
 * folders, unknown ones stay as they are, forbidden characters vanish, and with them `..` and a leading slash.
 */
export function makeOutputPath(format: string, placeholders: PathPlaceholders): string {
  const filled = format.replace(/\[([a-z_]+)\]/gi, (all, name: string) => {
    const value = placeholders[name.toLowerCase()]
    return value === undefined ? all : String(value).replaceAll('/', '').slice(0, VALUE_LENGTH)
  })
  return filled
    .split('/')
    .map((part) => part.replace(FORBIDDEN, '').trim())
    .filter((part) => part !== '')
    .map((part) => (DEVICE.test(part) ? `${part}_` : part))
    .join('/')
}

/** The first of `path`, `path-1`, `path-2` ... that is not taken. */
export function firstFree(path: string, taken: (path: string) => boolean): string {
  if (!taken(path)) return path
  for (let number = 1; ; number++) {
    const candidate = `${path}-${number}`
    if (!taken(candidate)) return candidate
  }
}
