import { timeOneByOne } from '../load/one-by-one.ts'
import type { LoadRequest } from '../load/request.ts'
import { interleave } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { median } from '../statistics.ts'

/** Questions that are asked for again and again. */
const hotQuestions = 5

export const row: ProofRow = {
  id: 'response-cache',
  order: 30,
  what: 'Response cache: a question asked for before',
  unit: 'ms',
  better: 'lower',
  claimed: '50 → 1 ms',
  budgetMs: 4_000,
  async measure({ ports, redisUrl, catalogue, rounds, budgetMs, signal }) {
    const hot = catalogue.questions
      .slice(0, hotQuestions)
      .map((id): LoadRequest => ({ method: 'GET', path: `/api/questions/${id}` }))
    const runMs = budgetMs / (3 * rounds + 2)
    const run = async (port: number, durationMs: number) => {
      const endMs = performance.now() + durationMs
      const tookMs: number[] = []
      while (tookMs.length === 0 || performance.now() < endMs) {
        tookMs.push(...(await timeOneByOne(port, hot, signal)))
      }
      return median(tookMs)
    }
    // Fills the caches, and lets the compiler see the path that is measured.
    await run(ports.usual, runMs)
    await run(ports.hotpath, runMs)
    return {
      rounds: await interleave(rounds, (build) => run(ports[build], runMs)),
      notes: [
        redisUrl === undefined
          ? 'Response cache: one process with memory is being measured; with REDIS_URL the usual and the hotpath build keep their responses in Redis.'
          : 'Response cache: the usual and the hotpath build keep their responses in Redis.',
      ],
    }
  },
}
