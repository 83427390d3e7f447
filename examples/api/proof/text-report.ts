import { buildNames } from '../api/contract.ts'
import { budgetSentence, budgetTable } from './budgets.ts'
import { reportSource, type Report } from './report.ts'
import { isShort, type RowResult } from './row.ts'
import { formatFigure, formatGain, formatTable } from './table.ts'
import { claimNote, verdicts } from './verdicts.ts'

/** The report as the terminal shows it: the table, what it does not say, and the conditions. */
export function toText(report: Report): string {
  const { results, machine, conditions } = report
  const head = ['', 'unit', ...buildNames, 'over naive', 'over usual', 'claimed']
  const lines = results.map((result) => [
    result.row.what,
    result.row.unit,
    ...buildNames.map((build) => formatFigure(result.medians[build])),
    `${formatGain(result.gain)}${mark(result, 'naive')}`,
    `${formatGain(result.gainOverUsual)}${mark(result, 'usual')}`,
    result.row.claimed,
  ])
  const budgets = results.flatMap(({ measurement }) => measurement.budgets ?? [])
  const notes = results.flatMap(({ measurement }) => measurement.notes ?? [])
  return [
    '',
    formatTable([head, ...lines]),
    '',
    ...budgets.flatMap((each) => [budgetTable(each), '']),
    ...verdicts(report).map(({ isGood, text }) => `${isGood ? '  ok' : '   *'}  ${text}`),
    '',
    ...[...notes, ...budgets.map(budgetSentence), claimNote].map((note) => `      ${note}`),
    '',
    ...[['Machine', machine] as const, ['Data', reportSource(report)] as const, ...conditions].map(
      ([name, value]) => `      ${name.padEnd(12)}${value}`,
    ),
    '',
  ].join('\n')
}

/** Points to the sentence below the table; the figures of a column keep their line. */
function mark(result: RowResult, over: 'naive' | 'usual'): string {
  return isShort(result, over) ? '*' : ' '
}
