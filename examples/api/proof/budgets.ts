import { createBudgets, type LatencyReport } from 'hotpath/measure'
import { buildNames } from '../api/contract.ts'
import { perBuild, type PerBuild } from './per-build.ts'
import { formatFigure, formatTable } from './table.ts'

/** What each route of each build took, against its budget. */
export interface RouteBudgets {
  /** Requests a second that the builds were sent. */
  readonly perSecond: number
  readonly reports: PerBuild<readonly LatencyReport[]>
}

/** Latencies in milliseconds, by route. */
export type ByRoute = Readonly<Record<string, readonly number[]>>

/** The budget of a route that asks the database; all routes of the mixed load do, or would. */
const p95Ms = 200

/** Holds the latencies of the builds against the budgets, as an app's own budgets would. */
export async function judgeRoutes(
  perSecond: number,
  latencies: PerBuild<readonly ByRoute[]>,
): Promise<RouteBudgets> {
  const judged = perBuild((build) => createBudgets({ name: build, minSamples: 10 }))
  try {
    return {
      perSecond,
      reports: perBuild((build) => {
        for (const [route, values] of merged(latencies[build])) {
          const budget = judged[build].component(route, { p95Ms })
          for (const value of values) budget.record(value)
        }
        const { budgets } = judged[build].stats()
        return budgets.filter((report) => report.kind !== 'hit ratio')
      }),
    }
  } finally {
    await Promise.all(buildNames.map((build) => judged[build].close()))
  }
}

/** A table: p95 of each route in each build, and whether it is within the budget. */
export function budgetTable({ reports }: RouteBudgets): string {
  const routes = [...new Set(buildNames.flatMap((build) => reports[build].map(subjectOf)))]
  const head = ['', 'budget, ms', ...buildNames]
  const cell = (report: LatencyReport | undefined) =>
    report === undefined || report.state === 'not enough data'
      ? 'too few'
      : `${formatFigure(report.p95Ms ?? Number.NaN)} ${report.state}`
  return formatTable([
    head,
    ...routes
      .toSorted()
      .map((route) => [
        route,
        String(p95Ms),
        ...buildNames.map((build) => cell(reports[build].find(({ subject }) => subject === route))),
      ]),
  ])
}

export function budgetSentence({ perSecond }: RouteBudgets): string {
  return `Budgets: p95 of each route in milliseconds, with ${formatFigure(perSecond)} requests a second to each build, half of usual's peak.`
}

function subjectOf({ subject }: LatencyReport): string {
  return subject
}

function merged(rounds: readonly ByRoute[]): Map<string, number[]> {
  const all = new Map<string, number[]>()
  for (const round of rounds) {
    for (const [route, values] of Object.entries(round)) {
      const kept = all.get(route)
      if (kept === undefined) all.set(route, [...values])
      else kept.push(...values)
    }
  }
  return all
}
