import rateLimit from '@fastify/rate-limit'
import fastify, { type FastifyInstance } from 'fastify'
import { hotpath } from 'hotpath/fastify'
import type { BuildName } from '../../api/contract.ts'
import { settings } from '../../settings.ts'
import type { LoadRequest } from '../load/request.ts'
import { interleave, perBuild, type PerBuild } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import type { Stage } from '../stage.ts'
import { formatFigure } from '../table.ts'

/** An abusive load: so many requests of one client, over so many connections. */
const abuse = 1_000
const connections = 100

/** What the limit costs is measured with so many clients, in turn. */
const clients = 1_000
/** And in so many short runs of each kind, of which the cheapest counts: the others were disturbed. */
const costRuns = 16
/** Between two looks at the clock. */
const requestsAtOnce = 16

export const row: ProofRow = {
  id: 'limit',
  order: 60,
  what: `Rate limit: let through of ${abuse.toLocaleString('en-US')} requests at once`,
  unit: 'requests',
  better: 'lower',
  claimed: `${settings.dataPerMinute} a minute`,
  budgetMs: 5_000,
  async measure(stage) {
    const { rounds, budgetMs } = stage
    const letThrough = await interleave(rounds, (build, round) => abuseOnce(stage, build, round))
    const cost = await measureCost(budgetMs / 2, stage.signal)
    const added = (build: BuildName) => formatFigure(Math.max(0, cost[build] - cost.naive))
    return {
      rounds: letThrough,
      notes: [
        `Rate limit: GET /api/data, ${settings.dataPerMinute} times a minute for each address; each round is another client, with ${connections} connections. hotpath counts without windows: ${settings.dataPerMinute} at once, and one more every ${60 / settings.dataPerMinute} s, where usual begins anew each minute.`,
        `The limit costs a request ${added('usual')} µs of CPU in usual and ${added('hotpath')} µs in hotpath; the same route without takes ${formatFigure(cost.naive)} µs (Fastify in one process, no network).`,
      ],
    }
  },
}

/** How many requests of a client that the build has not seen are answered. */
async function abuseOnce({ ports, load }: Stage, build: BuildName, round: number): Promise<number> {
  const request: LoadRequest = {
    method: 'GET',
    path: '/api/data',
    headers: { 'x-forwarded-for': `203.0.113.${round + 1}` },
  }
  const requests = Array.from({ length: abuse }, () => request)
  const counts = await load.once({ port: ports[build], connections, requests })
  return counts[200] ?? 0
}

/** The CPU time of a request in microseconds: without a limit, and with that of either build. */
async function measureCost(budgetMs: number, signal: AbortSignal): Promise<PerBuild<number>> {
  const apps = { naive: fastify(), usual: fastify(), hotpath: fastify() }
  // So much that nobody is refused.
  const perMinute = 10_000_000
  await apps.usual.register(rateLimit, { max: perMinute, timeWindow: 60_000 })
  await apps.hotpath.register(hotpath, { cache: false, limit: `${perMinute}/minute` })
  for (const app of Object.values(apps)) app.get('/api/data', async () => ({ users: 1, posts: 2 }))
  try {
    const runMs = budgetMs / (3 * costRuns)
    const measured = await interleave(costRuns, (build) => timeRequests(apps[build], runMs, signal))
    return perBuild((build) => Math.min(...measured[build]))
  } finally {
    await Promise.all(Object.values(apps).map((app) => app.close()))
  }
}

async function timeRequests(
  app: FastifyInstance,
  durationMs: number,
  signal: AbortSignal,
): Promise<number> {
  const startMs = performance.now()
  const before = process.cpuUsage()
  let asked = 0
  while (asked === 0 || performance.now() - startMs < durationMs) {
    signal.throwIfAborted()
    for (let i = 0; i < requestsAtOnce; i++) {
      const client = asked++ % clients
      const remoteAddress = `198.18.${client >> 8}.${client & 255}`
      await app.inject({ url: '/api/data', remoteAddress })
    }
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / asked
}
