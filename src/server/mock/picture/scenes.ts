import {type Canvas, type Colour, clamp, mixColours} from './canvas.ts'
import type {Palette} from './palettes.ts'

export type Scene = (canvas: Canvas, palette: Palette, random: () => number) => void

/** Value noise over a line: smooth hills between random heights in 0..1. */
function noiseLine(random: () => number, knots: number): (position: number) => number {
  const heights = Array.from({length: knots + 2}, random)
  return (position) => {
    const at = clamp(position) * knots
    const knot = Math.floor(at)
    const share = at - knot
    const smooth = share * share * (3 - 2 * share)
    const left = heights[knot] ?? 0
    return left + ((heights[knot + 1] ?? left) - left) * smooth
  }
}

function gradient(canvas: Canvas, top: Colour, bottom: Colour): void {
  const rows = Array.from({length: canvas.height}, (_, y) => mixColours(top, bottom, y / canvas.height))
  canvas.fill((_x, y) => rows[y] ?? bottom)
}

/** Fills below a line, with a soft edge. */
function below(canvas: Canvas, heightAt: (x: number) => number, colour: Colour): void {
  for (let x = 0; x < canvas.width; x++) {
    const edge = heightAt(x)
    const first = Math.floor(edge)
    canvas.blend(x, first, colour, 1 - (edge - first))
    for (let y = Math.max(0, first + 1); y < canvas.height; y++) canvas.blend(x, y, colour, 1)
  }
}

function ridges(canvas: Canvas, colours: readonly Colour[], random: () => number, from: number): void {
  const {width, height} = canvas
  for (const [layer, colour] of colours.entries()) {
    const coarse = noiseLine(random, 3 + layer)
    const fine = noiseLine(random, 9 + 4 * layer)
    const base = from + ((0.92 - from) * (layer + 0.5)) / colours.length
    below(canvas, (x) => height * (base - 0.13 * coarse(x / width) - 0.035 * fine(x / width)), colour)
  }
}

const hills: Scene = (canvas, [light, warm, middle, deep, dark], random) => {
  const {width, height} = canvas
  gradient(canvas, mixColours(light, middle, 0.25), mixColours(light, warm, 0.7))
  const [sunX, sunY, size] = [width * (0.2 + 0.6 * random()), height * (0.2 + 0.22 * random()), Math.min(width, height)]
  canvas.disc(sunX, sunY, size * 0.2, light, 0.5, size * 0.3)
  canvas.disc(sunX, sunY, size * (0.07 + 0.04 * random()), mixColours(light, [255, 255, 255], 0.6), 1, 1.5)
  const far = mixColours(warm, middle, 0.6)
  ridges(canvas, [far, mixColours(middle, deep, 0.35), deep, mixColours(deep, dark, 0.65)], random, 0.5)
}

const night: Scene = (canvas, [light, warm, middle, deep, dark], random) => {
  const {width, height} = canvas
  const size = Math.min(width, height)
  gradient(canvas, mixColours(dark, [8, 10, 24], 0.5), mixColours(deep, middle, 0.35))
  for (let star = 0; star < 70; star++) {
    canvas.disc(
      width * random(),
      height * 0.65 * random(),
      size * (0.0015 + 0.003 * random()),
      light,
      0.35 + 0.6 * random(),
      1.2,
    )
  }
  const [moonX, moonY, radius] = [
    width * (0.2 + 0.6 * random()),
    height * (0.18 + 0.16 * random()),
    size * (0.08 + 0.03 * random()),
  ]
  canvas.disc(moonX, moonY, radius * 1.6, warm, 0.3, radius * 1.8)
  canvas.disc(moonX, moonY, radius, mixColours(light, warm, 0.2), 1, 1.5)
  canvas.disc(moonX - radius * 0.3, moonY + radius * 0.15, radius * 0.2, warm, 0.4, radius * 0.2)
  ridges(
    canvas,
    [mixColours(deep, dark, 0.35), mixColours(deep, dark, 0.7), mixColours(dark, [0, 0, 0], 0.35)],
    random,
    0.62,
  )
}

const bubbles: Scene = (canvas, palette, random) => {
  const [light, warm] = palette
  const {width, height} = canvas
  const size = Math.min(width, height)
  gradient(canvas, light, mixColours(light, warm, 0.8))
  for (let bubble = 0; bubble < 13; bubble++) {
    const colour = palette[1 + Math.floor(random() * 4)] ?? warm
    const radius = size * (0.06 + 0.2 * random() * random() + 0.06 * random())
    const [x, y] = [width * random(), height * random()]
    canvas.disc(x, y, radius, colour, 0.55, 1.5)
    canvas.disc(x - radius * 0.3, y - radius * 0.3, radius * 0.28, [255, 255, 255], 0.28, radius * 0.4)
  }
}

const tiles: Scene = (canvas, palette, random) => {
  const {width, height} = canvas
  const across = 5 + Math.floor(random() * 4)
  const cell = width / across
  const down = Math.ceil(height / cell)
  const colourOf = (): Colour => {
    const first = palette[Math.floor(random() * 5)] ?? palette[0]
    return mixColours(first, palette[Math.floor(random() * 5)] ?? first, 0.35 * random())
  }
  const cells = Array.from({length: across * (down + 1)}, () => ({a: colourOf(), b: colourOf(), flip: random() < 0.5}))
  canvas.fill((x, y) => {
    const [column, row] = [Math.min(across - 1, Math.floor(x / cell)), Math.floor(y / cell)]
    const tile = cells[row * across + column]
    if (!tile) return palette[0]
    const [inX, inY] = [x / cell - column, y / cell - row]
    const edge = ((tile.flip ? 1 - inX : inX) - inY) * cell * 0.7
    return mixColours(tile.a, tile.b, clamp(edge + 0.5))
  })
}

/** A symmetric emblem on a glowing ground: what an icon needs. */
const emblem: Scene = (canvas, palette, random) => {
  const [light, warm, middle, deep, dark] = palette
  const {width, height} = canvas
  const size = Math.min(width, height)
  const [centreX, centreY] = [width / 2, height * 0.45]
  gradient(canvas, mixColours(deep, dark, 0.25), mixColours(dark, deep, 0.25))
  canvas.disc(centreX, centreY, size * 0.22, middle, 0.75, size * 0.5)
  canvas.disc(centreX, centreY, size * 0.36, mixColours(dark, deep, 0.4), 0.65, 2)
  canvas.disc(centreX, centreY, size * 0.335, mixColours(deep, middle, 0.35), 0.7, 2)
  const cell = size * 0.085
  for (let row = -2; row <= 2; row++) {
    for (let column = 0; column <= 2; column++) {
      const draw = random() < (column === 0 ? 0.75 : 0.55)
      const colour = mixColours(light, warm, random())
      if (!draw) continue
      for (const side of column === 0 ? [0] : [-1, 1]) {
        const [x, y] = [centreX + side * column * cell, centreY + row * cell]
        canvas.disc(x + cell * 0.06, y + cell * 0.1, cell * 0.56, dark, 0.35, 2)
        canvas.disc(x, y, cell * 0.54, colour, 1, 1.5)
        canvas.disc(x - cell * 0.14, y - cell * 0.16, cell * 0.16, [255, 255, 255], 0.45, cell * 0.2)
      }
    }
  }
}

export const SCENES: readonly Scene[] = [hills, emblem, bubbles, night, tiles]
