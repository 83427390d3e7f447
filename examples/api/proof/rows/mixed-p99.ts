import { buildNames, type BuildName } from '../../api/contract.ts'
import { judgeRoutes, type ByRoute } from '../budgets.ts'
import { drawMix } from '../load/mix.ts'
import { interleave, perBuild } from '../per-build.ts'
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
  budgetMs: 18_000,
  aims: { gain: 10, gainOverUsual: 1 },
  async measure(stage) {
    const { rounds, budgetMs } = stage
    const naiveRate = halfPeak(stage, 'naive')
    const usualRate = halfPeak(stage, 'usual')
    // One run more than the rounds: naive at the rate of the others.
    const runMs = budgetMs / (3 * rounds + 1)

    const requests = Array.from({ length: rounds + 1 }, (_, round) =>
      drawMix(stage.catalogue, requestsDrawn, firstSeed + round),
    )
    const run = (build: BuildName, perSecond: number, round: number) =>
      stage.load.openLoop({
        port: stage.ports[build],
        perSecond,
        connections,
        warmUpMs: runMs * 0.15,
        durationMs: runMs * 0.65,
        requests: requests[round] ?? [],
      })

    const held = perBuild((): number[] => [])
    const byRoute = perBuild((): ByRoute[] => [])
    const due = { naive: 0, usual: 0, hotpath: 0 }
    const measured = await interleave(rounds, async (build, round) => {
      const perSecond = build === 'naive' ? naiveRate : usualRate
      const figures = await run(build, perSecond, round)
      held[build].push(figures.answeredRatio)
      due[build] = figures.due
      // Of naive what the others' rate does to it, so that all are judged alike.
      if (build !== 'naive') byRoute[build].push(figures.byRoute)
      return figures.p99Ms
    })
    const naiveAtUsual = await run('naive', usualRate, rounds)
    byRoute.naive.push(naiveAtUsual.byRoute)

    const rates = `naive at ${formatFigure(naiveRate)} req/s, half of its own peak (${due.naive} requests a round); usual and hotpath at ${formatFigure(usualRate)} req/s, half of usual's peak (${due.usual} a round)`
    const unheld = buildNames.filter((build) => median(held[build]) < heldRatio)
    const naiveHolds = naiveAtUsual.answeredRatio >= heldRatio
    const naiveVerdict = `At ${formatFigure(usualRate)} req/s the naive build ${naiveHolds ? 'keeps up' : 'does not keep up'}: it answered ${formatFigure(100 * naiveAtUsual.answeredRatio)} % of what was due, with a p99 of ${formatFigure(naiveAtUsual.p99Ms)} ms.`
    return {
      rounds: measured,
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
