import type { Bench } from './bench.ts'
import type { Samples } from './figures.ts'
import { outageKeys, outagePhases, recoverWithinMs } from './outage-callers.ts'
import { alignedTable, readable } from './table.ts'

const headings = ['before', 'first 0.2 s', '0.2–0.6 s', 'from 0.6 s', 'after']

/** Two lines for each contender: what callers with warm and with cold keys saw in each phase. */
export function outageTable(bench: Bench, samples: Samples, workload: string): string {
  const rows = Object.keys(bench.contenders).flatMap((contender) => {
    const of = (metric: string) => samples.median(workload, contender, metric)
    return outageKeys.map((keys, line) => {
      const latencies = outagePhases.map((phase) =>
        ['p50Ms', 'p99Ms', 'worstMs']
          .map((quantile) => readableMs(of(`${keys}.${phase}.${quantile}`)))
          .join(' / '),
      )
      if (line > 0) return ['', keys, ...latencies]
      const counts = ['hung', 'failed', 'unhandled'].map((metric) => readable(of(metric), 0))
      return [contender, keys, ...latencies, ...counts, readableRecovery(of('recoveryMs'))]
    })
  })
  return alignedTable([
    ['p50 / p99 / worst in ms', 'keys', ...headings, 'hung', 'failed', 'unhandled', 'recovery ms'],
    ...rows,
  ])
}

function readableMs(value: number): string {
  return Number.isNaN(value) ? '–' : readable(value, value < 10 ? 1 : 0)
}

function readableRecovery(value: number): string {
  return Number.isFinite(value) ? readable(value, 0) : `> ${readable(recoverWithinMs, 0)}`
}
