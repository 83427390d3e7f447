import { buildNames, type BuildName } from '../../api/contract.ts'
import { judgeRoutes, type ByRoute } from '../budgets.ts'
import { drawMix } from '../load/mix.ts'
import type { OpenLoopFigures } from '../load/open-loop.ts'
import { cachedBuilds, interleave, perBuild } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import type { Stage } from '../stage.ts'
import { median } from '../statistics.ts'
import { formatFigure } from '../table.ts'

/** Requests under way at most; beyond it they wait in line, and the wait counts. */
const connections = 64
const requestsDrawn = 20_000

/** Not the requests of the closed loop again. */
const firstSeed = 1_000

/** Of the requests that were due, so many must be answered for a rate to count as held. */
const heldRatio = 0.95

export const row: ProofRow = {
  id: 'mixed-p99',
  order: 110,
  what: 'Whole API: p99 at a fixed rate, half of the peak',
  unit: 'ms',
  better: 'lower',
  claimed: '–',
  budgetMs: 40_000,
  aims: { gain: 10, gainOverUsual: 1 },
  async measure(stage) {
    const { rounds, budgetMs } = stage
    const naiveRate = halfPeak(stage, 'naive')
    const usualRate = halfPeak(stage, 'usual')
    const cachedRounds = rounds + 2
    // Twice naive: at half of its own peak, and at the rate of the others.
    const runMs = budgetMs / (cachedBuilds.length * cachedRounds + 2)

    const requests = Array.from({ length: cachedRounds }, (_, round) =>
      drawMix(stage.catalogue, requestsDrawn, firstSeed + round),
    )
    // Long enough for V8 to collect garbage in each: a round with such a pause and one without would
    // not be of the same kind.
    const run = (build: BuildName, perSecond: number, round: number) =>
      stage.load.openLoop({
        port: stage.ports[build],
        perSecond,
        connections,
        warmUpMs: runMs * 0.1,
        durationMs: runMs * 0.8,
        requests: requests[round] ?? [],
      })

    const held = perBuild((): number[] => [])
    const byRoute = perBuild((): ByRoute[] => [])
    const due = { naive: 0, usual: 0, hotpath: 0 }
    const record = (build: BuildName, figures: OpenLoopFigures) => {
      held[build].push(figures.answeredRatio)
      due[build] = figures.due
      return figures.p99Ms
    }
    const naive = record('naive', await run('naive', naiveRate, 0))
    const cached = await interleave(
      cachedRounds,
      async (build, round) => {
        const figures = await run(build, usualRate, round)
        byRoute[build].push(figures.byRoute)
        return record(build, figures)
      },
      cachedBuilds,
    )
    // Of naive what the others' rate does to it, so that all are judged alike.
    const naiveAtUsual = await run('naive', usualRate, 0)
    byRoute.naive.push(naiveAtUsual.byRoute)

    const rates = `naive at ${formatFigure(naiveRate)} req/s, half of its own peak (${due.naive} requests); usual and hotpath at ${formatFigure(usualRate)} req/s, half of usual's peak (${due.usual} a round)`
    const unheld = buildNames.filter((build) => median(held[build]) < heldRatio)
    const naiveHolds = naiveAtUsual.answeredRatio >= heldRatio
    const naiveVerdict = `At ${formatFigure(usualRate)} req/s the naive build ${naiveHolds ? 'keeps up' : 'does not keep up'}: it answered ${formatFigure(100 * naiveAtUsual.answeredRatio)} % of what was due, with a p99 of ${formatFigure(naiveAtUsual.p99Ms)} ms.`
    return {
      rounds: { ...cached, naive: [naive] },
      notes: [
        `p99 from the moment at which a request was due: ${rates}.`,
        ...unheld.map((build) => `The ${build} build did not keep up with its rate.`),
        naiveVerdict,
      ],
      budgets: await judgeRoutes(usualRate, byRoute),
      gainAimMetBy: naiveHolds ? undefined : naiveVerdict,
    }
  },
}

function halfPeak({ results }: Stage, build: BuildName): number {
  const peaks = results.get('mixed-rps')
  if (peaks === undefined) throw new Error('mixed-p99 needs the peaks that mixed-rps measures')
  return Math.max(1, Math.round(peaks.medians[build] / 2))
}
