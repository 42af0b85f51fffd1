import {lstat, realpath} from 'node:fs/promises'
import {dirname, isAbsolute, join, relative, resolve, sep} from 'node:path'
import {systemCode, UsageError} from '../errors.ts'
import {nearest} from '../nearest.ts'

/** What the placeholders of an output path stand for. */
export interface PathValues {
  readonly id: string
  readonly asset: string
  readonly group: string
  /** From 1. */
  readonly index: number
  readonly seed: number
  readonly model: string
  readonly ext: string
}

const PLACEHOLDERS = ['id', 'asset', 'group', 'index', 'seed', 'model', 'ext'] as const
const MAX_SEGMENT = 200

/** Whether a file's name, with any ending, is a device on Windows. */
export function isWindowsDevice(name: string): boolean {
  return /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i.test(name)
}

/** What is wrong with a path template, or `undefined`: unknown placeholders are found without expanding it. */
export function templateProblem(template: string): string | undefined {
  for (const [, name = ''] of template.matchAll(/\{([^{}]*)\}/g)) {
    if ((PLACEHOLDERS as readonly string[]).includes(name)) continue
    const near = nearest(name, PLACEHOLDERS, 1)[0] ?? PLACEHOLDERS.find((known) => known.startsWith(name.slice(0, 2)))
    return `unknown placeholder {${name}}${near ? `, did you mean {${near}}?` : `; there are ${PLACEHOLDERS.map((known) => `{${known}}`).join(' ')}`}`
  }
  return undefined
}

/** What is wrong with an output directory as a manifest names it, or `undefined`: what means something else on another system. */
export function directoryProblem(directory: string): string | undefined {
  if (directory.includes('\\')) return 'has a backslash: folders are divided by / on every system'
  if (/^~(\/|$)/.test(directory)) return 'begins with ~, which only a shell understands'
  if (/^[a-z]:/i.test(directory) && process.platform !== 'win32')
    return 'begins with a drive, which this system does not have'
  return undefined
}

/**
 * The output path that a template makes, relative, with forward slashes. Placeholders cannot add folders, except `{group}`,
 * so only the template itself could leave the output directory.
 *
 * Throws `UsageError` for a path that is absolute, climbs, or could not be a file on every system.
 */
export function expandTemplate(template: string, values: PathValues): string {
  const path = (values.group === '' ? template.replaceAll('{group}/', '') : template)
    .replace(/\{([^{}]*)\}/g, (_all, name: keyof PathValues) => {
      const value = String(values[name])
      return name === 'group' ? value : value.replace(/[^\p{L}\p{N}_. -]+/gu, '_')
    })
    .normalize('NFC')
  const problem = pathProblem(path)
  if (problem !== undefined) {
    throw new UsageError(`The output path "${path}" ${problem}.`, {
      next: 'Paths are relative to the output directory and stay inside of it.',
    })
  }
  return path
}

/** Joins a checked relative path to the output directory. */
export function inside(outputDirectory: string, path: string): string {
  return join(outputDirectory, ...path.split('/'))
}

/**
 * Makes sure, right before something is written, that a path still lies inside the output directory when symbolic links
 * are resolved, and that the file itself is no link. Throws `UsageError` that names the link.
 */
export async function confine(outputDirectory: string, path: string): Promise<void> {
  const root = await deepestReal(resolve(outputDirectory))
  const parent = await deepestReal(dirname(resolve(path)))
  const away = relative(root, parent)
  if (away === '..' || away.startsWith(`..${sep}`) || isAbsolute(away)) {
    throw new UsageError(
      `The output path ${path} leads outside of ${outputDirectory} through a symbolic link (to ${parent}).`,
      {
        next: 'Remove the link, or make the folder it leads to the output directory.',
      },
    )
  }
  const file = await lstat(path).catch(() => undefined)
  if (file?.isSymbolicLink()) {
    throw new UsageError(`The output file ${path} is a symbolic link.`, {next: 'Remove the link.'})
  }
  if (file?.isDirectory()) {
    throw new UsageError(`There is a folder where the output file ${path} should go.`, {
      next: 'Move that folder, or choose another output path.',
    })
  }
}

/** Whether something may be written, or looked at, there: not through a link, and not where there is a folder. */
export async function isConfined(outputDirectory: string, path: string): Promise<boolean> {
  try {
    await confine(outputDirectory, path)
    return true
  } catch (error) {
    if (error instanceof UsageError) return false
    throw error
  }
}

/** The real path of what exists of a path, with what does not exist yet appended. */
async function deepestReal(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') return path
    // A dangling link is there although its target is not: what would be written, would be written to the target.
    const dangling = await lstat(path).catch(() => undefined)
    if (dangling?.isSymbolicLink()) {
      throw new UsageError(`${path} is a symbolic link that leads nowhere.`, {next: 'Remove the link.'})
    }
    const parent = dirname(path)
    return parent === path ? path : join(await deepestReal(parent), relative(parent, path))
  }
}

function pathProblem(path: string): string | undefined {
  if (isAbsolute(path) || path.startsWith('/') || /^[a-z]:/i.test(path)) return 'is absolute'
  for (const segment of path.split('/')) {
    if (segment === '') return 'has an empty part'
    if (segment === '.' || segment === '..') return 'leaves the output directory'
    if (/^\.(ag|git)$/i.test(segment)) return `leads into ${segment}, which is not for pictures`
    if (/[\\:*?"<>|\p{Cc}]/u.test(segment))
      return 'has a character that file names cannot have everywhere (\\ : * ? " < > | or a control character)'
    if (/[. ]$/.test(segment)) return 'has a part that ends with a dot or a space'
    if (isWindowsDevice(segment)) return `has a part that is a device on Windows ("${segment}")`
    if (Buffer.byteLength(segment) > MAX_SEGMENT) return `has a part longer than ${MAX_SEGMENT} bytes`
  }
  return undefined
}
