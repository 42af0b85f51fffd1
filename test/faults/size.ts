/** `npm run faults` runs the harness at its large size, `npm test` at its small one. */
export const LARGE = process.env['AG_FAULTS'] === 'large'

export function size(small: number, large: number): number {
  return LARGE ? large : small
}
