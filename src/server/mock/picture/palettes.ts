import type {Colour} from './canvas.ts'

/** Five colours that go together, from light to dark. */
export type Palette = readonly [Colour, Colour, Colour, Colour, Colour]

const HEX = [
  'fdf0d5 f7b267 f4845f c8553d 2f2235',
  'e8f6ef b8dfd8 4c9f9b 2e5e6e 1b2a41',
  'fff3e2 ffd6a5 fdac98 b56576 355070',
  'eef6fb bcdff1 7fb7d8 3f6f9f 1d3557',
  'f6f4d2 d4e09b a3b565 5f8b4c 283d3b',
  'fde2f3 e5beed a88beb 6a5acd 2a1f4c',
  'fff8e7 ffe08a f2b134 c46210 3b2317',
  'e3f2ea a7d7c5 74b49b 5c8d89 253d5b',
  'fbe9e7 f8b4a6 e07a5f 81b29a 3d405b',
  'f1f0ea d8c3a5 8e8d8a e98074 3a3238',
]

export const PALETTES: readonly Palette[] = HEX.map((row) => row.split(' ').map(toColour) as unknown as Palette)

function toColour(hex: string): Colour {
  return [
    Number.parseInt(hex.slice(0, 2), 16),
    Number.parseInt(hex.slice(2, 4), 16),
    Number.parseInt(hex.slice(4, 6), 16),
  ]
}
