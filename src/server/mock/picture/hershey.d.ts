declare module 'hershey' {
  /** Strokes of a line of text in the Hershey Simplex font, y upwards, centred; a capital is 21 units high. */
  export function stringToPaths(text: string): {
    bounds: {minX: number; maxX: number; minY: number; maxY: number}
    paths: [number, number][][]
  }
}
