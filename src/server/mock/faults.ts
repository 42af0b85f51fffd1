import type {Fault} from './options.ts'

/** The faults that are set, and how often each has matched and struck. */
export class Faults {
  #faults: readonly {readonly fault: Fault; matched: number; struck: number}[] = []

  constructor(faults: readonly Fault[]) {
    this.set(faults)
  }

  set(faults: readonly Fault[]): void {
    this.#faults = faults.map((fault) => ({fault, matched: 0, struck: 0}))
  }

  /** The fault that strikes a call of a route. */
  ofRoute(route: string): Fault['do'] | undefined {
    return this.#strike(({when}) => when.route?.toLowerCase() === route.toLowerCase())
  }

  /** The fault that strikes a generation. */
  ofGeneration(prompt: string): Fault['do'] | undefined {
    return this.#strike(({when}) => when.route === undefined && prompt.includes(when.prompt ?? ''))
  }

  #strike(matches: (fault: Fault) => boolean): Fault['do'] | undefined {
    for (const entry of this.#faults) {
      const {fault} = entry
      if (entry.struck >= (fault.times ?? Number.POSITIVE_INFINITY) || !matches(fault)) continue
      entry.matched++
      if (entry.matched < (fault.when.nth ?? 1)) continue
      entry.struck++
      return fault.do
    }
    return undefined
  }
}
