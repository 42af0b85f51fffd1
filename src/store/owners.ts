import {lstatSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {Clock} from '../clock.ts'
import {readSmallText} from '../read-small.ts'
import {isRunning, type Owner, thisProcess} from '../session/owner.ts'
import type {OwnerStanding} from '../session/session.ts'
import {fileSystemOf} from './file-system.ts'
import {isLocked, type KernelLock, tryLock} from './kernel-lock.ts'
import type {Layout} from './layout.ts'
import {removeQuietly} from './remove-quietly.ts'

const IDENTITY_LIMIT = 16 * 1024

/** Which processes own sessions of this workspace: this one, by a lock it holds as long as it lives, and the others. */
export class Owners {
  readonly #layout: Layout
  readonly #self: Owner
  #lock: KernelLock | undefined

  constructor(layout: Layout, command: string, clock: Clock) {
    this.#layout = layout
    this.#self = thisProcess(command, clock.now())
  }

  get token(): string {
    return this.#self.own
  }

  /** Makes this process an owner that others can ask after. Needed before its first session. */
  async enter(): Promise<void> {
    if (this.#lock) return
    mkdirSync(this.#layout.owners, {recursive: true})
    this.#lock = await tryLock(this.#lockFile(this.token))
    writeFileSync(this.#identityFile(this.token), `${JSON.stringify(this.#self)}\n`)
  }

  /** Gives the lock back. With sessions left, the identity stays: it is how the next command knows that they are orphans. */
  leave({settled}: {settled: boolean}): void {
    this.#lock?.release()
    this.#lock = undefined
    if (!settled) return
    removeQuietly(this.#identityFile(this.token))
    removeQuietly(this.#lockFile(this.token))
  }

  /**
   * Whether the process behind a token lives. The kernel is asked, not a clock: a free lock is a dead owner, a paused owner
   * still holds its own. A token without a file here belongs to another machine, or to a workspace that was restored.
   */
  async standing(token: string): Promise<OwnerStanding> {
    if (token === this.token) return 'self'
    const owner = this.#read(token)
    if (!owner) return 'foreign'
    const running = isRunning(owner)
    if (running) return 'alive'
    if (!fileSystemOf(this.#layout.owners).trustLocks) return running === false ? 'dead' : 'unknown'
    const locked = await isLocked(this.#lockFile(token))
    if (locked === undefined) return running === false ? 'dead' : 'unknown'
    return locked ? 'alive' : 'dead'
  }

  /** The tokens of all owners that have an identity or a lock here. */
  known(): string[] {
    try {
      const names = readdirSync(this.#layout.owners)
      return [...new Set(names.map((name) => name.replace(/\.(json|lock)$/, '')))].filter(isToken)
    } catch {
      return []
    }
  }

  /** Whether it is certain that nothing here is an owner of this token, dead or alive. */
  isNone(token: string): boolean {
    try {
      const files = [this.#identityFile(token), this.#lockFile(token)]
      return files.every((file) => !lstatSync(file, {throwIfNoEntry: false}))
    } catch {
      return false
    }
  }

  /** Removes a dead owner; returns how many files. */
  forget(token: string): number {
    return [this.#identityFile(token), this.#lockFile(token)].filter(removeQuietly).length
  }

  #read(token: string): Partial<Owner> | undefined {
    if (!isToken(token)) return undefined
    try {
      return JSON.parse(readSmallText(this.#identityFile(token), IDENTITY_LIMIT) ?? '')
    } catch {
      return undefined
    }
  }

  #lockFile(token: string): string {
    return join(this.#layout.owners, `${token}.lock`)
  }

  #identityFile(token: string): string {
    return join(this.#layout.owners, `${token}.json`)
  }
}

function isToken(text: string): boolean {
  return /^o-[0-9a-f]{16}$/.test(text)
}
