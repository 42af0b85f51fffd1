import {crc32} from 'node:zlib'
import {AgError} from '../errors.ts'
import type {ImageFormat} from './asset.ts'

/** What a picture's bytes say of themselves. */
export interface ImageFacts {
  readonly format: ImageFormat
  /** Pixels. */
  readonly width: number
  readonly height: number
}

/** Bytes that are not a whole picture. */
export class BrokenImageError extends AgError {
  override readonly name = 'BrokenImageError'
}

const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/**
 * Recognises a picture by its own bytes and makes sure that it is whole: a truncated download must not be taken for a
 * picture. Nothing is decoded.
 *
 * Throws `BrokenImageError` that says what it is instead.
 */
export function inspectImage(bytes: Uint8Array): ImageFacts {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    if (buffer.subarray(0, 8).equals(PNG_SIGNATURE)) return inspectPng(buffer)
    if (buffer.length > 3 && buffer.readUInt16BE(0) === 0xffd8 && buffer[2] === 0xff) return inspectJpeg(buffer)
    if (buffer.toString('latin1', 0, 4) === 'RIFF' && buffer.toString('latin1', 8, 12) === 'WEBP')
      return inspectWebp(buffer)
  } catch (error) {
    if (error instanceof BrokenImageError) throw error
    throw new BrokenImageError('it ends in the middle.', {cause: error})
  }
  throw new BrokenImageError(`it is ${describe(buffer)}.`)
}

/** One chunk of a PNG; `body` is a view into the file. */
export interface PngChunk {
  readonly type: string
  readonly body: Buffer
}

/** The chunks of a PNG in order. Throws `BrokenImageError` (or a `RangeError`, where the file ends) for a damaged one. */
export function* pngChunks(buffer: Buffer): Generator<PngChunk> {
  for (let at = PNG_SIGNATURE.length; at < buffer.length; ) {
    const length = buffer.readUInt32BE(at)
    const end = at + 8 + length
    const checksum = buffer.readUInt32BE(end)
    if (crc32(buffer.subarray(at + 4, end)) !== checksum)
      throw new BrokenImageError('it is a damaged PNG (a checksum is wrong).')
    const type = buffer.toString('latin1', at + 4, at + 8)
    yield {type, body: buffer.subarray(at + 8, end)}
    if (type === 'IEND') return
    at = end + 4
  }
  throw new BrokenImageError('it is a truncated PNG (its end is missing).')
}

function inspectPng(buffer: Buffer): ImageFacts {
  let size: {width: number; height: number} | undefined
  let pixels = 0
  for (const {type, body} of pngChunks(buffer)) {
    if (type === 'IHDR') size = {width: body.readUInt32BE(0), height: body.readUInt32BE(4)}
    else if (!size) break
    if (type === 'IDAT') pixels += body.length
  }
  if (!size?.width || !size.height || pixels === 0) throw new BrokenImageError('it is a PNG without a picture.')
  return {format: 'png', ...size}
}

/** One segment of a JPEG; `body` is a view into the file. */
export interface JpegSegment {
  readonly marker: number
  readonly body: Buffer
}

const START_OF_SCAN = 0xffda
const END_OF_IMAGE = 0xffd9

/** The segments of a JPEG before its pixels, in order. Throws `BrokenImageError` (or a `RangeError`, where the file ends) for a damaged one. */
export function* jpegSegments(buffer: Buffer): Generator<JpegSegment> {
  for (let at = 2; ; ) {
    const marker = buffer.readUInt16BE(at)
    if (marker >> 8 !== 0xff) throw new BrokenImageError('it is a damaged JPEG.')
    if (marker === START_OF_SCAN || marker === END_OF_IMAGE) return
    // Padding before a marker is allowed.
    if (marker === 0xffff) at++
    else {
      const end = at + 2 + buffer.readUInt16BE(at + 2)
      yield {marker, body: buffer.subarray(at + 4, end)}
      at = end
    }
  }
}

function inspectJpeg(buffer: Buffer): ImageFacts {
  const frame = jpegSegments(buffer).find(({marker}) => isFrame(marker))
  if (!frame) throw new BrokenImageError('it is a JPEG without a picture.')
  const [height, width] = [frame.body.readUInt16BE(1), frame.body.readUInt16BE(3)]
  // Behind the frame: a thumbnail before it has an end of its own.
  if (buffer.lastIndexOf(Buffer.from([0xff, 0xd9])) < frame.body.byteOffset - buffer.byteOffset)
    throw new BrokenImageError('it is a truncated JPEG (its end is missing).')
  if (!width || !height) throw new BrokenImageError('it is a JPEG without a picture.')
  return {format: 'jpg', width, height}
}

/** Of the sixteen markers that could begin a frame, three mean something else. */
function isFrame(marker: number): boolean {
  return marker >= 0xffc0 && marker <= 0xffcf && marker !== 0xffc4 && marker !== 0xffc8 && marker !== 0xffcc
}

/** One chunk of a WEBP; `body` is a view into the file. */
export interface WebpChunk {
  readonly type: string
  readonly body: Buffer
}

/** The chunks of a WEBP in order. */
export function* webpChunks(buffer: Buffer): Generator<WebpChunk> {
  for (let at = 12; at + 8 <= buffer.length; ) {
    const length = buffer.readUInt32LE(at + 4)
    yield {type: buffer.toString('latin1', at, at + 4), body: buffer.subarray(at + 8, at + 8 + length)}
    at += 8 + length + (length % 2)
  }
}

function inspectWebp(buffer: Buffer): ImageFacts {
  if (buffer.readUInt32LE(4) + 8 > buffer.length)
    throw new BrokenImageError('it is a truncated WEBP (its end is missing).')
  const kind = buffer.toString('latin1', 12, 16)
  const size = webpSize(buffer, kind)
  if (!size) throw new BrokenImageError('it is a WEBP without a picture.')
  return {format: 'webp', ...size}
}

function webpSize(buffer: Buffer, kind: string): {width: number; height: number} | undefined {
  if (kind === 'VP8 ') return {width: buffer.readUInt16LE(26) & 0x3fff, height: buffer.readUInt16LE(28) & 0x3fff}
  if (kind === 'VP8X') return {width: buffer.readUIntLE(24, 3) + 1, height: buffer.readUIntLE(27, 3) + 1}
  if (kind !== 'VP8L') return undefined
  const bits = buffer.readUInt32LE(21)
  return {width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1}
}

function describe(buffer: Buffer): string {
  const start = buffer.toString('latin1', 0, 64).trimStart().toLowerCase()
  if (buffer.length === 0) return 'empty'
  if (start.startsWith('<')) return 'an HTML page, or other markup'
  if (start.startsWith('{') || start.startsWith('[')) return 'JSON'
  return `${buffer.length} bytes of no picture format that ag knows (PNG, JPG, WEBP)`
}
