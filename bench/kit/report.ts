import { writeFileSync } from 'node:fs'
import type { Bench } from './bench.ts'
import type { Claim } from './claims.ts'
import type { Samples } from './figures.ts'
import type { Machine } from './machine.ts'
import { outageTable } from './outage-table.ts'
import { metricsOf } from './metrics.ts'
import { alignedTable, readable } from './table.ts'

/** The last line of a bench or a soak. */
export interface Result {
  readonly bench: string
  readonly machine: Machine
  readonly contenders: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly claims: readonly Claim[]
}

export function printMachine({ versions, ...machine }: Machine): void {
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.os}, Node ${machine.node}`,
  )
  const installed = Object.entries(versions).map((entry) => entry.join(' '))
  if (installed.length > 0) console.log(installed.join(', '))
  if (machine.loadAverage > machine.cores / 4) {
    console.log(
      `WARNING: this machine was busy before the start (load average ${machine.loadAverage.toFixed(2)}); ` +
        'the figures will be noisy.',
    )
  }
}

export function printTables(bench: Bench, samples: Samples): void {
  for (const [name, workload] of Object.entries(bench.workloads)) {
    if (workload.kind === 'outage') {
      console.log(`\n${name}: ${workload.about}\n${outageTable(bench, samples, name)}`)
      continue
    }
    const [primary, ...others] = metricsOf[workload.kind]
    const columns = [primary, ...others]
    const rows = Object.keys(bench.contenders).map((contender) => {
      const ratio = samples.ratio(name, contender, bench.baseline, primary.name)
      const cells = columns.map(({ name: metric, digits, withQuartiles }) => {
        const summary = samples.summary(name, contender, metric)
        const [middle, lower, upper] = [
          summary.median,
          summary.lowerQuartile,
          summary.upperQuartile,
        ].map((value) => readable(value, digits))
        return withQuartiles ? `${middle} (${lower}–${upper})` : `${middle}`
      })
      return [contender, `${readable(ratio, 2)}×`, ...cells]
    })
    const headings = ['', 'ratio', ...columns.map(({ heading }) => heading)]
    console.log(`\n${name}: ${workload.about}\n${alignedTable([headings, ...rows])}`)
    if (workload.kind === 'http') printIdle(bench, samples, name)
  }
  if (Object.values(bench.workloads).every(({ kind }) => kind === 'outage')) return
  console.log(
    `\nMedians of ${bench.rounds} rounds (middle half in brackets); ` +
      `ratio: of the first column, to "${bench.baseline}", the median of each round's own.`,
  )
}

// Where a server's core was not busy, requests/s say how fast something else was.
function printIdle(bench: Bench, samples: Samples, workload: string): void {
  const idle = Object.keys(bench.contenders).filter(
    (contender) => samples.median(workload, contender, 'busyRatio') < 0.9,
  )
  if (idle.length === 0) return
  console.log(
    `Not limited by the server's core, so compare the CPU time: ${idle.join(', ')}. ` +
      'They waited for a service, or other programs ran on the cores.',
  )
}

export function printClaims(claims: readonly Claim[]): void {
  console.log()
  for (const { claim, value, bar, holds } of claims) {
    console.log(
      `${holds ? '✓' : '✗'} ${claim}: ${readable(value, Number.isInteger(value) ? 0 : 2)} (bar: ${readable(bar, Number.isInteger(bar) ? 0 : 2)})`,
    )
  }
}

/** Prints the last line, writes it to `file` where one is given, and sets the exit status. */
export function finish(result: Result, file: string | undefined): void {
  const line = JSON.stringify(result)
  if (file !== undefined) writeFileSync(file, `${line}\n`)
  console.log(`\n${line}`)
  if (result.claims.some(({ holds }) => !holds)) process.exitCode = 1
}
