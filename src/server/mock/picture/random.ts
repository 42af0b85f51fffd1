import {createHash} from 'node:crypto'

/** A sequence of numbers in 0..1 that is the same for the same text, on every machine. */
export function randomFrom(text: string): () => number {
  let state = createHash('sha256').update(text).digest().readUInt32BE(0) || 1
  return () => {
    // xorshift32
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
