import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import {dirname} from 'node:path'
import {promisify} from 'node:util'
import {AgError, SessionExistsError, StorageError, storageError, systemCode} from '../errors.ts'
import {NO_LINKS} from '../replace-file.ts'
import {readTail} from './history-reader.ts'
import {removeQuietly} from './remove-quietly.ts'

const datasync = promisify(fdatasync)

const APPEND = constants.O_RDWR | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0)
const NEW = APPEND | constants.O_CREAT | constants.O_EXCL

/** Where the byte after our last one would be read to, if there were one. */
const beyond = Buffer.alloc(1)

/** Somebody else has taken the session over; this process must not write it any more. */
export class FencedError extends AgError {
  override readonly name: string = 'FencedError'
}

/** A history open for writing. One line is one write of one buffer, so that no other process ever sees two lines mixed. */
export class HistoryFile {
  readonly #path: string
  readonly #id: string
  readonly #fd: number
  readonly #epoch: number
  readonly #links: number
  #size: number
  #torn: boolean

  private constructor(path: string, id: string, fd: number, of: {epoch: number; size: number; torn: boolean}) {
    this.#path = path
    this.#id = id
    this.#fd = fd
    this.#epoch = of.epoch
    this.#links = fstatSync(fd).nlink
    this.#size = of.size
    this.#torn = of.torn
  }

  /**
   * Makes a history with its first line. The line is on disk under the marker's name before the history gets its own, as a
   * second link to the same file: nobody ever sees an empty history, and the marker is never missing.
   *
   * Throws `SessionExistsError` when the name is taken, `StorageError` when the disk refuses; then there is neither.
   */
  static async create(path: string, id: string, line: Buffer, marker: string): Promise<HistoryFile> {
    try {
      const fd = openSync(marker, NEW, 0o644)
      try {
        writeWhole(fd, line, path)
        await datasync(fd)
        const named = nameIt(marker, path) ? fd : await writeApart(fd, line, path)
        syncFolder(dirname(path))
        return new HistoryFile(path, id, named, {epoch: 1, size: line.length, torn: false})
      } catch (error) {
        removeOwn(marker, fd)
        closeSync(fd)
        throw error
      }
    } catch (error) {
      if (systemCode(error) === 'EEXIST') {
        throw new SessionExistsError(id, {cause: error})
      }
      throw error instanceof StorageError ? error : storageError(path, error)
    }
  }

  /** Opens a history to go on with it under a new epoch. */
  static open(path: string, id: string, of: {epoch: number; size: number; torn: boolean}): HistoryFile {
    try {
      return new HistoryFile(path, id, openSync(path, APPEND), of)
    } catch (error) {
      throw storageError(path, error)
    }
  }

  /**
   * Appends a line that need not outlive a power cut. Throws `FencedError` when another process has taken the session over,
   * `StorageError` when the disk refuses; the next line then begins on a line of its own.
   */
  append(line: Buffer): void {
    this.#orRefuse(() => {
      // Asking for a file's facts costs twice what the line does; that somebody appended to it shows without.
      if (this.#hasGrown()) this.#fence()
      this.#write(line)
    })
  }

  /** As `append`, but the line is on disk when this resolves, and in a file that still has its name. */
  async appendSynced(line: Buffer): Promise<void> {
    this.#orRefuse(() => {
      this.#fence()
      this.#write(line)
    })
    await datasync(this.#fd).catch((error: unknown) => {
      throw storageError(this.#path, error)
    })
  }

  close(): void {
    closeSync(this.#fd)
  }

  #orRefuse(work: () => void): void {
    try {
      work()
    } catch (error) {
      throw error instanceof AgError ? error : storageError(this.#path, error)
    }
  }

  #write(line: Buffer): void {
    const record = this.#torn ? Buffer.concat([Buffer.from('\n'), line]) : line
    this.#torn = true
    this.#size += writeWhole(this.#fd, record, this.#path)
    this.#torn = false
  }

  #hasGrown(): boolean {
    return readSync(this.#fd, beyond, 0, 1, this.#size) > 0
  }

  /** Only we write this file: another size, or no name, means that somebody took it over or replaced it. */
  #fence(): void {
    const {size, nlink, ino} = fstatSync(this.#fd)
    // A link fewer is a removed marker, or the history itself.
    if (nlink < this.#links && statSync(this.#path, {throwIfNoEntry: false})?.ino !== ino) {
      throw new FencedError(`The history ${this.#path} was replaced while it was being written.`)
    }
    if (size === this.#size) return
    const tail = readTail(this.#path, this.#id)
    if (tail && tail.line.session.epoch > this.#epoch) {
      throw new FencedError(`The session ${this.#id} was taken over by another process.`)
    }
    this.#size = size
    this.#torn ||= tail?.torn ?? true
  }
}

/** One write. Some file systems answer a full disk with a short write and no error. */
function writeWhole(fd: number, bytes: Buffer, path: string): number {
  const written = writeSync(fd, bytes)
  if (written === bytes.length) return written
  throw storageError(
    path,
    Object.assign(new Error(`only ${written} of ${bytes.length} bytes were written`), {code: 'ENOSPC'}),
  )
}

/** Removes a marker that is still this file's: somebody may have taken it for abandoned, and made one of their own. */
function removeOwn(marker: string, fd: number): void {
  if (lstatSync(marker, {throwIfNoEntry: false})?.ino === fstatSync(fd).ino) removeQuietly(marker)
}

/** Gives the file a second name, and fails when that is taken. False on a file system without links. */
function nameIt(marker: string, path: string): boolean {
  try {
    linkSync(marker, path)
    return true
  } catch (error) {
    // The folder of histories alone may be mounted from elsewhere.
    if (NO_LINKS.has(systemCode(error) ?? '') || systemCode(error) === 'EXDEV') return false
    throw error
  }
}

/** Without links the history is a file apart from its marker, and empty for a moment. */
async function writeApart(markerFd: number, line: Buffer, path: string): Promise<number> {
  const fd = openSync(path, NEW, 0o644)
  try {
    writeWhole(fd, line, path)
    await datasync(fd)
  } catch (error) {
    closeSync(fd)
    removeQuietly(path)
    throw error
  }
  closeSync(markerFd)
  return fd
}

function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // Windows cannot sync a folder, and need not; some file systems of networks cannot.
  }
}
