import { buildNames, type BuildName } from '../../api/contract.ts'
import { settings } from '../../settings.ts'
import { hitRatioBetween, readCacheCounts } from '../hit-ratio.ts'
import type { ClosedLoopFigures } from '../load/closed-loop.ts'
import { drawMix, mostAsked } from '../load/mix.ts'
import { cachedBuilds, interleave, perBuild, type PerBuild } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { median, sum } from '../statistics.ts'
import { formatFigure } from '../table.ts'

const connections = 16

/** More than a build can answer in a round, so that no connection asks twice for the same reason. */
const requestsDrawn = 16_000

/** Of the budget, what the rounds of the two cached builds take when their caches are warm. */
const roundsShare = 0.66
/** What the naive build takes: it answers some ten requests a second, however often it is asked. */
const naiveShare = 0.14
/** What each of the two cached builds is under load before anything counts. */
const settleShare = 0.1

/** Not the requests of the rounds. */
const settleSeed = 8_000

export const row: ProofRow = {
  id: 'mixed-rps',
  order: 100,
  what: `Whole API: mixed load, ${connections} connections`,
  unit: 'req/s',
  better: 'higher',
  claimed: '–',
  budgetMs: 36_000,
  aims: { gain: 10, gainOverUsual: 1.4 },
  async measure({ ports, load, catalogue, rounds, budgetMs, signal }) {
    // Many short rounds: what halts the machine for a moment, a disk that is full of writes or a
    // neighbour on the same host, is in a few of them then, and not in the median.
    const cachedRounds = 2 * rounds + 1
    const runMs = (roundsShare * budgetMs) / (cachedBuilds.length * cachedRounds)
    // Within a round, the same requests for every build.
    const requests = Array.from({ length: cachedRounds }, (_, seed) =>
      drawMix(catalogue, requestsDrawn, seed),
    )
    const runs = perBuild((): ClosedLoopFigures[] => [])
    const run = async (build: BuildName, lengthMs: number, round: number) => {
      const figures = await load.closedLoop({
        port: ports[build],
        connections,
        warmUpMs: lengthMs * 0.15,
        durationMs: lengthMs * 0.75,
        requests: requests[round] ?? [],
      })
      runs[build].push(figures)
      return figures.perSecond
    }
    // First, so that the others do not stand idle for the seconds that it takes to come to rest.
    const naive = await run('naive', naiveShare * budgetMs, 0)
    const warmUp = mostAsked(catalogue, settings.maxCacheEntries / 2)
    const settling = drawMix(catalogue, requestsDrawn, settleSeed)
    const durationMs = settleShare * budgetMs
    for (const port of [ports.usual, ports.hotpath]) {
      await load.once({ port, connections, requests: warmUp })
      await load.closedLoop({ port, connections, warmUpMs: 0, durationMs, requests: settling })
    }

    const before = await readCacheCounts(ports.hotpath, signal)
    const cached = await interleave(
      cachedRounds,
      (build, round) => run(build, runMs, round),
      cachedBuilds,
    )
    const measured = { ...cached, naive: [naive] }
    const hitRatio = hitRatioBetween(before, await readCacheCounts(ports.hotpath, signal))
    return { rounds: measured, notes: [warmUpNote(warmUp.length), ...notes(runs)], hitRatio }
  },
}

function warmUpNote(pages: number): string {
  return `Before the rounds, both cached builds were asked once for the ${pages.toLocaleString('en-US')} pages that the mixed load asks for most, which is what minutes of it would leave in their caches, and then had the mixed load for some seconds that do not count, in which V8 compiles what a server runs all day.`
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
