import type { RouteBudgets } from './budgets.ts'
import type { PerBuild } from './per-build.ts'
import { formatGain } from './table.ts'
import type { Stage } from './stage.ts'
import { median } from './statistics.ts'

/**
 * One row of the proof. A file in `rows/` that exports one as `row` is all there is to adding it.
 */
export interface ProofRow {
  /** Its name in the JSON report. */
  readonly id: string
  /** Its place in the table, ascending; the whole API stands at 100 and after. */
  readonly order: number
  /** What is measured, in a few words. */
  readonly what: string
  readonly unit: 'ms' | 'µs' | 'req/s' | 'calls' | 'requests' | 'kB' | 'MB'
  readonly better: 'lower' | 'higher'
  /** The figure that the design document this project began with claims for the pattern. */
  readonly claimed: string
  /** What the row may take in a default run; `--full` gives it several times as much. */
  readonly budgetMs: number
  /** The gains that we promise, if we promise any; the table says where one falls short. */
  readonly aims?: Aims | undefined
  measure(stage: Stage): Promise<Measurement>
}

export interface Aims {
  readonly gain?: number | undefined
  readonly gainOverUsual?: number | undefined
}

/** What a row's `measure` found. */
export interface Measurement {
  /** The figure of each round; the table shows their medians. */
  readonly rounds: PerBuild<readonly number[]>
  /** Sentences to print below the table. */
  readonly notes?: readonly string[] | undefined
  /** Of the reads that hotpath was sent, those that its cache answered. */
  readonly hitRatio?: number | undefined
  /** The routes of the builds against their budgets. */
  readonly budgets?: RouteBudgets | undefined
  /** Why the aim over naive is met, whatever the ratio says. */
  readonly gainAimMetBy?: string | undefined
}

/** A measured row: medians, gains, and the aims that it missed. */
export interface RowResult {
  readonly row: ProofRow
  readonly measurement: Measurement
  readonly medians: PerBuild<number>
  /** How many times better hotpath is than naive; above 1 is better, whatever the unit. */
  readonly gain: number
  readonly gainOverUsual: number
  /** The aims that were missed. */
  readonly shortfalls: readonly Shortfall[]
}

/** An aim that was missed, and the sentence that says so. */
export interface Shortfall {
  readonly over: 'naive' | 'usual'
  readonly text: string
}

/** Whether a row fell short of its aim over a build. */
export function isShort({ shortfalls }: RowResult, over: Shortfall['over']): boolean {
  return shortfalls.some((shortfall) => shortfall.over === over)
}

/** Computes medians and gains, and holds them against the row's aims. */
export function judge(row: ProofRow, measurement: Measurement): RowResult {
  const { rounds, gainAimMetBy } = measurement
  const medians = {
    naive: median(rounds.naive),
    usual: median(rounds.usual),
    hotpath: median(rounds.hotpath),
  }
  const gainOver = (other: number) =>
    row.better === 'higher' ? medians.hotpath / other : other / medians.hotpath
  const gain = gainOver(medians.naive)
  const gainOverUsual = gainOver(medians.usual)

  const shortfalls: Shortfall[] = []
  const hold = (value: number, aim: number | undefined, over: Shortfall['over']) => {
    if (aim === undefined || value >= aim) return
    const text = `${row.what}: ${formatGain(value)} over ${over}, short of the ${formatGain(aim)} we aim for.`
    shortfalls.push({ over, text })
  }
  if (gainAimMetBy === undefined) hold(gain, row.aims?.gain, 'naive')
  hold(gainOverUsual, row.aims?.gainOverUsual, 'usual')
  return { row, measurement, medians, gain, gainOverUsual, shortfalls }
}
