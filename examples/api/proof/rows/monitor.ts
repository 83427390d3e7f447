import { measure } from 'hotpath/measure'
import { Histogram } from 'prom-client'
import { interleave } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { formatFigure } from '../table.ts'

/** Between two looks at the clock. */
const callsAtOnce = 256

type Work = (value: number) => number

export const row: ProofRow = {
  id: 'monitor',
  order: 8,
  what: 'Monitoring: what it adds to a call',
  unit: 'µs',
  better: 'lower',
  claimed: 'time, memory, CPU',
  budgetMs: 1_500,
  async measure({ rounds, budgetMs, signal }) {
    const runMs = budgetMs / (4 * rounds + 4)
    const run = (work: Work) => {
      signal.throwIfAborted()
      let calls = 0
      let sum = 0
      const startMs = performance.now()
      while (calls === 0 || performance.now() - startMs < runMs) {
        for (let i = 0; i < callsAtOnce; i++) sum += work(calls++)
      }
      // Unused, the sum could be left out by the compiler, and the calls with it.
      if (Number.isNaN(sum)) throw new Error('the work answered no number')
      return ((performance.now() - startMs) * 1_000) / calls
    }

    const bare: Work = (value) => value * 2 + 1
    const ways = { naive: inHand(bare), usual: withTimer(bare), hotpath: measure(bare) }
    for (const way of [bare, ...Object.values(ways)]) run(way)
    const bareMicros: number[] = []
    const micros = await interleave(rounds, async (build) => {
      bareMicros.push(run(bare))
      return Math.max(0, run(ways[build]) - Math.min(...bareMicros))
    })
    const { p50Ms, p99Ms } = ways.hotpath.stats().duration
    return {
      rounds: micros,
      notes: [
        `Monitoring: a call that does next to nothing; naive reads clock, memory and CPU time around each call as the seed document's decorator does, usual is a timer of prom-client that knows durations only, hotpath keeps durations (here p50 ${formatFigure(p50Ms * 1_000)} and p99 ${formatFigure(p99Ms * 1_000)} µs) and samples memory and CPU time.`,
      ],
    }
  },
}

/** The decorator as one writes it in an afternoon; what it found, it would log. */
function inHand(fn: Work): Work {
  let found: object = {}
  return (value) => {
    const startMs = performance.now()
    const startBytes = process.memoryUsage.rss()
    const startCpu = process.cpuUsage()
    try {
      return fn(value)
    } finally {
      found = {
        ...found,
        ms: performance.now() - startMs,
        bytes: process.memoryUsage.rss() - startBytes,
        cpu: process.cpuUsage(startCpu),
      }
    }
  }
}

function withTimer(fn: Work): Work {
  const seconds = new Histogram({ name: 'call_seconds', help: 'Duration of calls.', registers: [] })
  return (value) => {
    const end = seconds.startTimer()
    try {
      return fn(value)
    } finally {
      end()
    }
  }
}
