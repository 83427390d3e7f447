import { fetchAll } from 'hotpath/batch'
import { quantile } from '../kit/statistics.ts'
import type { Upstream } from './upstream.ts'

/** What hedging did on a server with a long tail. */
export interface HedgingFigures {
  readonly plainP99Ms: number
  readonly hedgedP99Ms: number
  /** Requests with hedging, as a share of those without. */
  readonly requestsRatio: number
}

const calls = 4_000
const hedgeAfterMs = 15

export async function measureHedging(upstream: Upstream): Promise<HedgingFigures> {
  const urls = Array.from({ length: calls }, () => `${upstream.url}/tail`)
  const p99Ms = async (options: { hedgeAfterMs?: number }) => {
    const results = await fetchAll(urls, { ...options, concurrency: 20 })
    if (results.some(({ ok }) => !ok)) throw new Error('a call failed')
    return quantile(Float64Array.from(results, ({ durationMs }) => durationMs).sort(), 0.99)
  }
  await fetchAll(urls.slice(0, 200), { concurrency: 20 })
  const plainP99Ms = await p99Ms({})
  const before = await upstream.requestCount()
  const hedgedP99Ms = await p99Ms({ hedgeAfterMs })
  const requestsRatio = ((await upstream.requestCount()) - before) / calls
  return { plainP99Ms, hedgedP99Ms, requestsRatio }
}
