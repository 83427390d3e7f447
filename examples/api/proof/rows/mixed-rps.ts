import { buildNames, type BuildName } from '../../api/contract.ts'
import { hitRatioBetween, readCacheCounts } from '../hit-ratio.ts'
import type { ClosedLoopFigures } from '../load/closed-loop.ts'
import { drawMix } from '../load/mix.ts'
import { interleave, perBuild, type PerBuild } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { median, sum } from '../statistics.ts'
import { formatFigure } from '../table.ts'

const connections = 16

/** More than a build can answer in a round, so that no connection asks twice for the same reason. */
const requestsDrawn = 16_000

export const row: ProofRow = {
  id: 'mixed-rps',
  order: 100,
  what: `Whole API: mixed load, ${connections} connections`,
  unit: 'req/s',
  better: 'higher',
  claimed: '–',
  budgetMs: 18_000,
  aims: { gain: 10, gainOverUsual: 1.4 },
  async measure({ ports, load, catalogue, rounds, budgetMs, signal }) {
    const runMs = budgetMs / (3 * rounds + 2)
    const run = (build: BuildName, round: number) =>
      load.closedLoop({
        port: ports[build],
        connections,
        warmUpMs: runMs * 0.2,
        durationMs: runMs * 0.6,
        // Of one round, the same requests for every build.
        requests: drawMix(catalogue, requestsDrawn, round),
      })
    // The caches fill, once, before the rounds that count.
    await run('usual', rounds)
    await run('hotpath', rounds)

    const before = await readCacheCounts(ports.hotpath, signal)
    const runs = perBuild((): ClosedLoopFigures[] => [])
    const measured = await interleave(rounds, async (build, round) => {
      const figures = await run(build, round)
      runs[build].push(figures)
      return figures.perSecond
    })
    const hitRatio = hitRatioBetween(before, await readCacheCounts(ports.hotpath, signal))
    return { rounds: measured, notes: notes(runs), hitRatio }
  },
}

function notes(runs: PerBuild<ClosedLoopFigures[]>): string[] {
  const of = (build: BuildName, pick: (figures: ClosedLoopFigures) => number) =>
    formatFigure(median(runs[build].map(pick)))
  const waits = buildNames.map(
    (build) => `${build} ${of(build, ({ p50Ms }) => p50Ms)} and ${of(build, ({ p99Ms }) => p99Ms)}`,
  )
  const failures = buildNames
    .map((build) => ({ build, failed: sum(runs[build].map(({ failed }) => failed)) }))
    .filter(({ failed }) => failed > 0)
    .map(({ build, failed }) => `${build} ${failed}`)
  return [
    `At these rates, p50 and p99 in ms: ${waits.join(', ')}.`,
    ...(failures.length > 0
      ? [`Answers other than 2xx, not counted: ${failures.join(', ')}.`]
      : []),
  ]
}
