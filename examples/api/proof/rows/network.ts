import { sites } from '../../api/accounts.ts'
import { siteDelayMs } from '../../network/stand-in.ts'
import { timeOneByOne } from '../load/one-by-one.ts'
import type { LoadRequest } from '../load/request.ts'
import { interleave } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { median } from '../statistics.ts'

/** Pages asked for in each round; the first one opens connections. */
const pagesPerRound = 3

export const row: ProofRow = {
  id: 'network',
  order: 45,
  what: `Batch calls: a page from ${sites.length} services`,
  unit: 'ms',
  better: 'lower',
  claimed: 'N×, all at once',
  budgetMs: 2_000,
  async measure({ ports, catalogue, rounds, signal }) {
    const pages = catalogue.users
      .slice(0, pagesPerRound)
      .map((id): LoadRequest => ({ method: 'GET', path: `/api/users/${id}/accounts` }))
    return {
      rounds: await interleave(rounds, async (build) =>
        median(await timeOneByOne(ports[build], pages, signal)),
      ),
      notes: [
        `Batch calls: GET /api/users/:id/accounts asks ${sites.length} other services, each ${siteDelayMs} ms away, of which one is down; naive asks one after the other.`,
      ],
    }
  },
}
