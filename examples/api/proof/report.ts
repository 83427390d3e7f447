import type { PerBuild } from './per-build.ts'
import type { Catalogue } from './catalogue.ts'
import type { RowResult } from './row.ts'

/** Everything that the proof found, for the terminal, the page and the JSON file. */
export interface Report {
  readonly machine: string
  readonly data: DataSource & Catalogue['counts']
  readonly identical: { readonly checked: number; readonly different: number }
  readonly results: readonly RowResult[]
  readonly stale: PerBuild<StaleCount>
  /** Of the requests to cached routes of the hotpath build under the mixed load. */
  readonly hitRatio: number
  /** What a reader needs to judge the figures, as name and value. */
  readonly conditions: readonly (readonly [name: string, value: string])[]
}

/** The source of data that no dump was given for. */
export const generatedSource = 'generated'

export interface DataSource {
  /** `generated`, or the folder of the dump. */
  readonly source: string
}

export interface StaleCount {
  /** Reads that followed a write of the same thing. */
  readonly checked: number
  /** Those that showed the state before the write. */
  readonly stale: number
}

/** Whether the hotpath build answered wrongly, which no gain makes good. */
export function isWrong(report: Report): boolean {
  return report.identical.different > 0 || report.stale.hotpath.stale > 0
}

/** What the data is, in a few words: nobody should take a made-up site for a real one. */
export function reportSource({ data }: Report): string {
  const size = `${data.users.toLocaleString('en-US')} users and ${data.posts.toLocaleString('en-US')} posts`
  return data.source === generatedSource
    ? `${size}, all of them generated`
    : `${size} from the dump in ${data.source}`
}

/** The report as `--json` writes it. */
export function toJson(report: Report): string {
  const { machine, data, identical, results, stale, hitRatio, conditions } = report
  const { source, users, posts } = data
  const rows = results.map(({ row, medians, gain, gainOverUsual }) => ({
    id: row.id,
    what: row.what,
    unit: row.unit,
    naive: medians.naive,
    usual: medians.usual,
    hotpath: medians.hotpath,
    gain,
    gainOverUsual,
    claimed: row.claimed,
  }))
  const rounds = Object.fromEntries(
    results.map(({ row, measurement }) => [row.id, measurement.rounds]),
  )
  const shortfalls = results.flatMap((result) => result.shortfalls.map(({ text }) => text))
  const notes = results.flatMap(({ measurement }) => measurement.notes ?? [])
  const budgets = results.flatMap(({ measurement }) => measurement.budgets ?? [])
  return `${JSON.stringify(
    {
      machine,
      data: { source, users, posts },
      identical,
      rows,
      stale,
      hitRatio,
      rounds,
      budgets: budgets.map(({ perSecond, reports }) => ({ perSecond, ...reports })),
      shortfalls,
      notes,
      conditions: Object.fromEntries(conditions),
    },
    null,
    2,
  )}\n`
}
