/**
 * A duration as `status` has always printed it: `45s`, `2.5m`, `1.2h` (seed 000). Ties round to even, as the first
 * implementation's language did, and a value that would round up to the next unit is shown in that unit.
 */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (roundHalfEven(seconds) < 60) return `${roundHalfEven(seconds)}s`
  const minutes = roundHalfEven(seconds / 6) / 10
  if (minutes < 60) return `${minutes.toFixed(1)}m`
  return `${(roundHalfEven(seconds / 360) / 10).toFixed(1)}h`
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
