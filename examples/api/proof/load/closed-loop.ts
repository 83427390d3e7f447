import autocannon from 'autocannon'
import { latencies, type Latencies } from '../statistics.ts'
import { isExpected, type LoadRequest } from './request.ts'

/** Connections that each send the next request as soon as the last one is answered. */
export interface ClosedLoopJob {
  readonly port: number
  readonly connections: number
  /** Sent before the measured window and left out of the figures. */
  readonly warmUpMs: number
  readonly durationMs: number
  /** Dealt out to the connections, each of which repeats its share when it runs out. */
  readonly requests: readonly LoadRequest[]
}

/** What a closed loop saw in its measured window. */
export interface ClosedLoopFigures extends Latencies {
  /** Answers as expected, per second. */
  readonly perSecond: number
  readonly answered: number
  /** All answers, those before and after the window too: what the server has worked for. */
  readonly received: number
  /** Answers that were not 2xx, and broken or timed-out connections. */
  readonly failed: number
}

/** The run goes on a little longer than the window, which begins a little later than it. */
const spareMs = 100

/**
 * Runs a closed loop with autocannon. The figures are our own sums over its `response` events:
 * its histogram keeps whole milliseconds, and a cached answer takes a fraction of one.
 */
export async function runClosedLoop(job: ClosedLoopJob): Promise<ClosedLoopFigures> {
  const shares = deal(job.requests, job.connections)
  const valuesMs: number[] = []
  let failed = 0
  let received = 0
  let startMs = Number.POSITIVE_INFINITY
  const isMeasured = () => {
    const nowMs = performance.now()
    return nowMs >= startMs && nowMs < startMs + job.durationMs
  }

  const run = autocannon({
    url: `http://127.0.0.1:${job.port}`,
    connections: job.connections,
    duration: (job.warmUpMs + job.durationMs + spareMs) / 1_000,
    sampleInt: 50,
    setupClient: (client) => client.setRequests(shares.pop() ?? []),
  })
  // Preparing the requests takes time; the window begins when they begin to be sent.
  run.on('start', () => (startMs = performance.now() + job.warmUpMs))
  run.on('response', (_client, statusCode, _bytes, tookMs) => {
    received++
    if (!isMeasured()) return
    if (isExpected(statusCode)) valuesMs.push(tookMs)
    else failed++
  })
  run.on('reqError', () => {
    if (isMeasured()) failed++
  })
  await run

  return {
    ...latencies(valuesMs),
    perSecond: (valuesMs.length * 1_000) / job.durationMs,
    answered: valuesMs.length,
    received,
    failed,
  }
}

/** Different requests for each connection: in step, they would only ever ask for the same thing. */
function deal(requests: readonly LoadRequest[], hands: number): autocannon.Request[][] {
  const shares = Array.from({ length: hands }, (): autocannon.Request[] => [])
  for (const [index, { method, path, body, headers }] of requests.entries()) {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    shares[index % hands]?.push({
      method,
      path,
      headers: { ...headers, ...type },
      ...(body === undefined ? {} : { body }),
    })
  }
  return shares
}
