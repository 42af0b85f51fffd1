import {type PictureOrder, renderPicture} from './picture/render.ts'

/** A saved picture: how it was ordered, so that its bytes can be drawn whenever they are asked for. */
export interface SavedPicture {
  /** Relative to the user's output folder. */
  readonly path: string
  readonly order: PictureOrder
  readonly metadata: string
}

const KEPT_BYTES = 8 * 2 ** 20

/**
 * One user's output folder. Drawing is deterministic, so pictures are drawn when they are fetched and only the latest are
 * kept: a run of ten thousand takes no more memory than one of a hundred.
 */
export class Gallery {
  readonly #pictures = new Map<string, SavedPicture>()
  readonly #drawn = new Map<string, Buffer>()
  #drawnBytes = 0

  has(path: string): boolean {
    return this.#pictures.has(path)
  }

  save(picture: SavedPicture): void {
    this.#pictures.set(picture.path, picture)
  }

  /** The bytes of a picture; `undefined` when there is none of that name. */
  read(path: string): Buffer | undefined {
    const picture = this.#pictures.get(path)
    if (!picture) return undefined
    const kept = this.#drawn.get(path)
    if (kept) return kept
    const bytes = renderPicture(picture.order, picture.metadata)
    this.#drawn.set(path, bytes)
    this.#drawnBytes += bytes.length
    for (const [oldest, {length}] of this.#drawn) {
      if (this.#drawnBytes <= KEPT_BYTES) break
      this.#drawn.delete(oldest)
      this.#drawnBytes -= length
    }
    return bytes
  }

  /** Folders and pictures below a folder, as ListImages tells them: by name, descending (recordings 08, 10). */
  list(folder: string, depth: number): {folders: string[]; files: {src: string; metadata: string}[]} {
    const prefix = folder === '' ? '' : `${folder.replace(/\/+$/, '')}/`
    const folders = new Set<string>()
    const files: {src: string; metadata: string}[] = []
    for (const {path, metadata} of this.#pictures.values()) {
      if (!path.startsWith(prefix)) continue
      const src = path.slice(prefix.length)
      const parts = src.split('/')
      for (let level = 1; level < parts.length && level <= depth; level++) folders.add(parts.slice(0, level).join('/'))
      if (parts.length <= depth) files.push({src, metadata})
    }
    const descending = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0)
    return {folders: [...folders].sort(descending), files: files.sort((a, b) => descending(a.src, b.src))}
  }
}
