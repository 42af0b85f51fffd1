export type Colour = readonly [red: number, green: number, blue: number]

/** RGB pixels that shapes are blended onto. Only + - * / and square roots: the same bytes on every machine. */
export class Canvas {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
    this.data = new Uint8Array(width * height * 3)
  }

  /** Fills with a colour for each row and column. */
  fill(colourAt: (x: number, y: number) => Colour): void {
    let at = 0
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        const [red, green, blue] = colourAt(x, y)
        this.data[at++] = red
        this.data[at++] = green
        this.data[at++] = blue
      }
    }
  }

  blend(x: number, y: number, [red, green, blue]: Colour, alpha: number): void {
    if (alpha <= 0 || x < 0 || y < 0 || x >= this.width || y >= this.height) return
    const at = (y * this.width + x) * 3
    const {data} = this
    data[at] = mix(data[at] ?? 0, red, alpha)
    data[at + 1] = mix(data[at + 1] ?? 0, green, alpha)
    data[at + 2] = mix(data[at + 2] ?? 0, blue, alpha)
  }

  /** A disc with an edge `soft` pixels wide. */
  disc(centreX: number, centreY: number, radius: number, colour: Colour, alpha: number, soft = 1): void {
    const reach = radius + soft
    for (let y = Math.max(0, Math.floor(centreY - reach)); y <= Math.min(this.height - 1, centreY + reach); y++) {
      for (let x = Math.max(0, Math.floor(centreX - reach)); x <= Math.min(this.width - 1, centreX + reach); x++) {
        const distance = Math.sqrt((x - centreX) * (x - centreX) + (y - centreY) * (y - centreY))
        this.blend(x, y, colour, alpha * clamp((radius + soft / 2 - distance) / soft))
      }
    }
  }

  /** A line with round ends. */
  stroke(
    fromX: number,
    fromY: number,
    toX: number,
    toY: number,
    thickness: number,
    colour: Colour,
    alpha: number,
  ): void {
    const half = thickness / 2
    const [spanX, spanY] = [toX - fromX, toY - fromY]
    const length = spanX * spanX + spanY * spanY || 1
    const reach = half + 1
    for (let y = Math.floor(Math.min(fromY, toY) - reach); y <= Math.max(fromY, toY) + reach; y++) {
      for (let x = Math.floor(Math.min(fromX, toX) - reach); x <= Math.max(fromX, toX) + reach; x++) {
        const along = clamp(((x - fromX) * spanX + (y - fromY) * spanY) / length)
        const [offX, offY] = [x - fromX - along * spanX, y - fromY - along * spanY]
        this.blend(x, y, colour, alpha * clamp(half + 0.5 - Math.sqrt(offX * offX + offY * offY)))
      }
    }
  }

  rectangle(left: number, top: number, right: number, bottom: number, colour: Colour, alpha: number): void {
    for (let y = Math.floor(top); y < bottom; y++)
      for (let x = Math.floor(left); x < right; x++) this.blend(x, y, colour, alpha)
  }
}

export function clamp(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value
}

export function mix(from: number, to: number, share: number): number {
  return Math.round(from + (to - from) * share)
}

export function mixColours(from: Colour, to: Colour, share: number): Colour {
  return [mix(from[0], to[0], share), mix(from[1], to[1], share), mix(from[2], to[2], share)]
}
