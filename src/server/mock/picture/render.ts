import {encode as encodePng} from 'fast-png'
import {encode as encodeJpeg} from 'jpeg-js'
import {Canvas} from './canvas.ts'
import {drawCaption} from './caption.ts'
import {exifComment} from './exif.ts'
import {PALETTES} from './palettes.ts'
import {randomFrom} from './random.ts'
import {SCENES} from './scenes.ts'

export interface PictureOrder {
  readonly prompt: string
  readonly seed: number
  /** Pixels. */
  readonly width: number
  readonly height: number
  readonly format: 'png' | 'jpg'
  /** One colour and nothing else: for benchmarks and previews. */
  readonly plain: boolean
}

/** The format that an `imageformat` stands for; the mock writes no WEBP. */
export function formatOf(imageformat: string): PictureOrder['format'] {
  return imageformat.toUpperCase() === 'JPG' ? 'jpg' : 'png'
}

/**
 * Draws a placeholder picture: the same bytes for the same order on every machine. The prompt decides scene and colours, the
 * seed how they are arranged. They carry `metadata` where the server's do: a PNG in the `tEXt` chunk `parameters`, a JPG in EXIF.
 */
export function renderPicture(order: PictureOrder, metadata: string): Buffer {
  const canvas = order.plain ? onePlainColour(order) : scene(order)
  const {width, height, data} = canvas
  const text = metadata === '' ? undefined : {parameters: escapeToAscii(metadata)}
  if (order.format === 'jpg') {
    const exif = text && {exifBuffer: exifComment(text.parameters)}
    return encodeJpeg({width, height, data: toRgba(data), ...exif}, 88).data
  }
  return Buffer.from(encodePng({width, height, data, channels: 3, ...(text ? {text} : {})}))
}

function scene({prompt, seed, width, height}: PictureOrder): Canvas {
  const canvas = new Canvas(width, height)
  const theme = randomFrom(`theme ${prompt}`)
  const paint = pick(SCENES, theme())
  const palette = pick(PALETTES, theme())
  paint(canvas, palette, randomFrom(`${prompt} ${seed}`))
  drawCaption(canvas, prompt)
  return canvas
}

function onePlainColour({prompt, seed, width, height}: PictureOrder): Canvas {
  const canvas = new Canvas(width, height)
  const random = randomFrom(`${prompt} ${seed}`)
  const colour = [Math.floor(random() * 256), Math.floor(random() * 256), Math.floor(random() * 256)] as const
  canvas.fill(() => colour)
  return canvas
}

function pick<T>(from: readonly T[], share: number): T {
  const picked = from[Math.floor(share * from.length)]
  if (picked === undefined) throw new RangeError('There is nothing to pick from.')
  return picked
}

/** The server escapes its JSON to ASCII, so that the chunk stays a plain `tEXt` (reference 4.5). */
function escapeToAscii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function toRgba(rgb: Uint8Array): Uint8Array {
  const rgba = new Uint8Array((rgb.length / 3) * 4).fill(255)
  for (let pixel = 0; pixel * 3 < rgb.length; pixel++) rgba.set(rgb.subarray(pixel * 3, pixel * 3 + 3), pixel * 4)
  return rgba
}
