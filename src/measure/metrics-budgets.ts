import type { BudgetReport } from './budget-verdict.ts'
import type { BudgetsStats } from './budgets.ts'
import { by, componentAttribute, seconds, type MetricTable, type Point } from './metric.ts'

export const budgetsMetrics: MetricTable<BudgetsStats> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'http.server.request.duration',
      type: 'histogram',
      unit: 's',
      help: 'How long requests took, by method, scheme and route.',
      points: ({ requests }) =>
        requests.map(({ method, scheme, route, durations }) => ({
          attributes: { 'http.request.method': method, 'url.scheme': scheme, 'http.route': route },
          value: durations,
        })),
    },
    {
      name: 'hotpath.budgets',
      type: 'upDownCounter',
      unit: '{budget}',
      help: 'Budgets, by state.',
      points: ({ met, missed, notEnoughData }) =>
        by('hotpath.budget.state', { met, missed, not_enough_data: notEnoughData }),
    },
    {
      name: 'hotpath.budget.met',
      type: 'gauge',
      unit: '{budget}',
      help: '1 while a budget is met, 0 while it is missed; absent without enough data.',
      points: ({ budgets }) => budgets.map((report) => ofBudget(report, isMet(report))),
    },
    {
      name: 'hotpath.budget.p95',
      type: 'gauge',
      unit: 's',
      help: 'The 95th percentile of the last window, for budgets of latency.',
      points: ({ budgets }) =>
        budgets.map((report) =>
          ofBudget(report, report.kind === 'hit ratio' ? undefined : seconds(report.p95Ms)),
        ),
    },
    {
      name: 'hotpath.budget.allowed',
      type: 'gauge',
      unit: 's',
      help: 'What the 95th percentile may be, for budgets of latency.',
      points: ({ budgets }) =>
        budgets.map((report) =>
          ofBudget(report, report.kind === 'hit ratio' ? undefined : seconds(report.budgetMs)),
        ),
    },
    {
      name: 'hotpath.budget.hits',
      type: 'gauge',
      unit: '1',
      help: 'The hit ratio of the last window, for budgets of hit ratios.',
      points: ({ budgets }) =>
        budgets.map((report) =>
          ofBudget(report, report.kind === 'hit ratio' ? report.hitRatio : undefined),
        ),
    },
  ],
}

function ofBudget({ subject, kind }: BudgetReport, value: number | undefined): Point<number> {
  return { attributes: { 'hotpath.budget.subject': subject, 'hotpath.budget.kind': kind }, value }
}

function isMet({ state }: BudgetReport): number | undefined {
  return state === 'not enough data' ? undefined : Number(state === 'met')
}
