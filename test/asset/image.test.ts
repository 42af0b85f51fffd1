import {describe, expect, test} from '@jest/globals'
import fc from 'fast-check'
import {encode} from 'jpeg-js'
import {embeddedTag} from '../../src/asset/embedded-tag.ts'
import {BrokenImageError, inspectImage} from '../../src/asset/image.ts'
import {exifComment} from '../../src/server/mock/picture/exif.ts'
import {renderPicture} from '../../src/server/mock/picture/render.ts'

const order = {prompt: 'a fox', seed: 1, width: 64, height: 48, format: 'png', plain: true} as const
const unicode = Buffer.from('UNICODE\0')
const metadata = '{"sui_image_params":{"seed":7,"model":"m"},"sui_extra_data":{"agrun":"r","agitem":"fox"}}'
const png = renderPicture(order, metadata)
const jpg = renderPicture({...order, format: 'jpg'}, '')
const webp = Buffer.concat([
  Buffer.from('RIFF'),
  Buffer.from([22, 0, 0, 0]),
  Buffer.from('WEBPVP8X'),
  Buffer.from([10, 0, 0, 0, 0, 0, 0, 0, 63, 0, 0, 47, 0, 0]),
])

/** As SwarmUI's library puts a chunk of EXIF behind the others. No recording shows the bytes of one. */
function webpWith(exif: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(exif.length)
  return Buffer.concat([webp, Buffer.from('EXIF'), length, exif])
}

/** A JPG whose comment was written anew by a program with other habits. */
function recoded(text: Buffer): Buffer {
  const plain = exifComment('')
  const comment = plain.subarray(0, -8)
  comment.writeUInt32LE(text.length, comment.length - 12)
  const exif = {exifBuffer: Buffer.concat([comment, text])}
  return encode({width: 8, height: 8, data: new Uint8Array(256), ...exif}, 88).data
}

describe('a picture', () => {
  test.each([
    ['png', png],
    ['jpg', jpg],
    ['webp', webp],
  ])('is recognised as %s with its size', (format, bytes) => {
    expect(inspectImage(bytes)).toEqual({format, width: 64, height: 48})
  })

  test.each([
    ['', /it is empty/],
    ['<!DOCTYPE html><html>', /an HTML page/],
    ['{"error":"x"}', /JSON/],
    ['GIF89a', /6 bytes of no picture format/],
  ])('is not %j', (text, message) => {
    expect(() => inspectImage(Buffer.from(text))).toThrow(message)
  })

  test('is refused wherever a download of it may have been cut', () => {
    for (let length = 0; length < png.length; length++)
      expect(() => inspectImage(png.subarray(0, length))).toThrow(BrokenImageError)
    for (let length = 0; length < jpg.length - 2; length += 7)
      expect(() => inspectImage(jpg.subarray(0, length))).toThrow(BrokenImageError)
    for (let length = 0; length < webp.length; length++)
      expect(() => inspectImage(webp.subarray(0, length))).toThrow(BrokenImageError)
  })

  test('is refused when a bit of it flipped on the way', () => {
    for (let at = 8; at < png.length - 4; at += 3) {
      const flipped = Buffer.from(png)
      flipped[at] = (flipped[at] ?? 0) ^ 1
      expect(() => inspectImage(flipped)).toThrow(BrokenImageError)
    }
  })

  test('inspected from any bytes ends with facts or a BrokenImageError', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.uint8Array().map((tail) => Buffer.concat([png.subarray(0, 20), tail])),
      fc.uint8Array().map((tail) => Buffer.concat([jpg.subarray(0, 30), tail])),
    )
    fc.assert(
      fc.property(bytes, (any) => {
        try {
          inspectImage(any)
        } catch (error) {
          expect(error).toBeInstanceOf(BrokenImageError)
        }
      }),
      {numRuns: 2000},
    )
  })
})

describe('the tag in a picture', () => {
  test.each([
    ['a PNG', png],
    ['a JPG', renderPicture({...order, format: 'jpg'}, metadata)],
    ['a WEBP', webpWith(exifComment(metadata).subarray(6))],
    ['a WEBP that calls its EXIF by name', webpWith(exifComment(metadata))],
    ['a JPG in turned bytes', recoded(Buffer.concat([unicode, Buffer.from(metadata, 'utf16le').swap16()]))],
    ['a JPG in ASCII', recoded(Buffer.from(`ASCII\0\0\0${metadata}`))],
  ])('of %s tells whose it is and how it was made', (_what, bytes) => {
    expect(embeddedTag(bytes)).toEqual({run: 'r', item: 'fox', seed: 7, model: 'm'})
  })

  test.each([
    ['no metadata', renderPicture(order, '')],
    ['a JPG without metadata', jpg],
    ['a WEBP without metadata', webp],
    ['EXIF that is none', webpWith(Buffer.from('nonsense'))],
    ['EXIF that points behind its end', webpWith(exifComment(metadata).subarray(6, 30))],
    ['EXIF that is too large to be ours', webpWith(exifComment(' '.repeat(40_000) + metadata))],
    ['no picture', Buffer.from('x')],
    ['metadata that is no JSON', renderPicture(order, 'nonsense')],
  ])('is missing in %s', (_what, bytes) => {
    expect(embeddedTag(bytes)).toBeUndefined()
  })
})
