import {describe, expect, test} from '@jest/globals'
import fc from 'fast-check'
import {embeddedTag} from '../../src/asset/embedded-tag.ts'
import {BrokenImageError, inspectImage} from '../../src/asset/image.ts'
import {renderPicture} from '../../src/server/mock/picture/render.ts'

const order = {prompt: 'a fox', seed: 1, width: 64, height: 48, format: 'png', plain: true} as const
const png = renderPicture(
  order,
  '{"sui_image_params":{"seed":7,"model":"m"},"sui_extra_data":{"agrun":"r","agitem":"fox"}}',
)
const jpg = renderPicture({...order, format: 'jpg'}, '')
const webp = Buffer.concat([
  Buffer.from('RIFF'),
  Buffer.from([22, 0, 0, 0]),
  Buffer.from('WEBPVP8X'),
  Buffer.from([10, 0, 0, 0, 0, 0, 0, 0, 63, 0, 0, 47, 0, 0]),
])

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
  test('tells whose it is and how it was made', () => {
    expect(embeddedTag(png)).toEqual({run: 'r', item: 'fox', seed: 7, model: 'm'})
  })

  test.each([
    ['no metadata', renderPicture(order, '')],
    ['another format', jpg],
    ['no picture', Buffer.from('x')],
    ['metadata that is no JSON', renderPicture(order, 'nonsense')],
  ])('is missing in %s', (_what, bytes) => {
    expect(embeddedTag(bytes)).toBeUndefined()
  })
})
