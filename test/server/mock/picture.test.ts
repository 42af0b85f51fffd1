import {createHash} from 'node:crypto'
import {describe, expect, test} from '@jest/globals'
import {decode} from 'fast-png'
import {type PictureOrder, renderPicture} from '../../../src/server/mock/picture/render.ts'

const order: PictureOrder = {prompt: 'a red fox', seed: 42, width: 96, height: 64, format: 'png', plain: false}

function pixels(of: Partial<PictureOrder>): string {
  const {data} = decode(renderPicture({...order, ...of}, ''))
  return createHash('sha256').update(data).digest('hex')
}

describe('a placeholder picture', () => {
  test('is the same to the pixel on every machine', () => {
    expect(pixels({})).toBe('8a13c9262fa318c8acee1480becadf27b0189c8fb87108851f8b5dbc606e8f54')
  })

  test('is another one for another seed, prompt or size', () => {
    const variants = [{}, {seed: 43}, {prompt: 'a blue fox'}, {width: 97}]
    expect(new Set(variants.map((variant) => pixels(variant))).size).toBe(variants.length)
  })

  test.each([1, 64, 300])('can be %i pixels wide', (width) => {
    expect(decode(renderPicture({...order, width}, ''))).toMatchObject({width, height: 64})
  })

  test.each(['', '漢字 only', 'a very long prompt '.repeat(50), 'émigré & co', '<lora:x:1>'])(
    'can have the prompt %j',
    (prompt) => {
      expect(decode(renderPicture({...order, prompt}, ''))).toMatchObject({width: 96})
    },
  )
})
