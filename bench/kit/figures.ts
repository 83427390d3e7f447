import type { Figures } from './bench.ts'
import { median, summarise, type Summary } from './statistics.ts'

/** The measured values of one contender at one workload in one round, by metric. */
export type Sample = Readonly<Record<string, number>>

/** Every sample of a run, by workload and contender, in the order of the rounds. */
export class Samples implements Figures {
  readonly #samples = new Map<string, Sample[]>()

  add(workload: string, contender: string, sample: Sample): void {
    const key = keyOf(workload, contender)
    const samples = this.#samples.get(key)
    if (samples === undefined) this.#samples.set(key, [sample])
    else samples.push(sample)
  }

  median(workload: string, contender: string, metric: string): number {
    return median(this.#values(workload, contender, metric))
  }

  summary(workload: string, contender: string, metric: string): Summary {
    return summarise(this.#values(workload, contender, metric))
  }

  ratio(workload: string, contender: string, other: string, metric: string): number {
    return median(this.#pairs(workload, contender, other, metric).map(([own, its]) => own / its))
  }

  difference(workload: string, contender: string, other: string, metric: string): number {
    return median(this.#pairs(workload, contender, other, metric).map(([own, its]) => own - its))
  }

  /** The medians of one contender as the last line has them: `workload.metric` → median. */
  medians(contender: string): Record<string, number> {
    const medians: Record<string, number> = {}
    for (const [key, samples] of this.#samples) {
      const [workload, name] = key.split('\n') as [string, string]
      if (name !== contender) continue
      for (const metric of Object.keys(samples[0] ?? {})) {
        medians[`${workload}.${metric}`] = this.median(workload, contender, metric)
      }
    }
    return medians
  }

  #values(workload: string, contender: string, metric: string): number[] {
    const samples = this.#samples.get(keyOf(workload, contender)) ?? []
    return samples.map((sample) => {
      const value = sample[metric]
      if (value === undefined) throw new RangeError(`${contender} has no ${metric} at ${workload}`)
      return value
    })
  }

  #pairs(workload: string, contender: string, other: string, metric: string): [number, number][] {
    const others = this.#values(workload, other, metric)
    return this.#values(workload, contender, metric).map((own, round) => {
      const its = others[round]
      if (its === undefined) throw new RangeError(`${other} has no round ${round} at ${workload}`)
      return [own, its]
    })
  }
}

function keyOf(workload: string, contender: string): string {
  return `${workload}\n${contender}`
}
