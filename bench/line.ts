/** One measured figure, and whether it is where it should be. */
export interface BenchLine {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it should be, in words. */
  readonly aim: string
  readonly met: boolean
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Milliseconds that something takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await run()
  return performance.now() - started
}
