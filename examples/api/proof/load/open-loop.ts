import { latencies, type Latencies } from '../statistics.ts'
import { createConnection, type Connection } from './connection.ts'
import { isExpected, requestBytes, type LoadRequest } from './request.ts'

/** Requests that arrive at a fixed rate, whether the server keeps up or not. */
export interface OpenLoopJob {
  readonly port: number
  readonly perSecond: number
  /** The most requests under way at once; the others wait, and their wait counts as latency. */
  readonly connections: number
  /** Sent before the measured window and left out of the figures. */
  readonly warmUpMs: number
  readonly durationMs: number
  /** Sent in order, from the start again when they run out. */
  readonly requests: readonly LoadRequest[]
}

/** What an open loop saw. Latencies run from the moment at which a request was due. */
export interface OpenLoopFigures extends Latencies {
  /** Requests that fell due in the measured window. */
  readonly due: number
  /** Those of them that were answered as expected, {@link stragglersMs} after it at the latest. */
  readonly answeredRatio: number
  /** Answers that were not 2xx, and broken connections. */
  readonly failed: number
  /** The latencies of the requests that name their route, by it, in milliseconds. */
  readonly byRoute: Readonly<Record<string, readonly number[]>>
}

/** How long after the window an answer is still waited for. */
const stragglersMs = 1_000

/**
 * Runs an open loop. Ours, because the fixed rate of autocannon 9 (`overallRate`) is not one: each
 * connection sends its quota of a second back to back and then pauses, and the correction for
 * coordinated omission takes 1 ms for the expected interval at every rate, so that 600 answers
 * of 20 ms each come out as 13,000 with a median of 11 ms.
 *
 * What is not answered {@link stragglersMs} after the window counts with the age it has reached,
 * so that an overloaded server looks as slow as it was, never faster. Timers tick once a
 * millisecond; that lag is part of every figure, whichever build is measured.
 */
export async function runOpenLoop(job: OpenLoopJob): Promise<OpenLoopFigures> {
  const idle: Connection[] = Array.from({ length: job.connections }, () =>
    createConnection(job.port),
  )
  const connections = [...idle]
  const bytes = job.requests.map((request) => requestBytes(job.port, request))
  const startMs = performance.now()
  const total = Math.floor(((job.warmUpMs + job.durationMs) / 1_000) * job.perSecond)
  const firstMeasured = Math.floor((job.warmUpMs / 1_000) * job.perSecond)
  const dueMs = (index: number) => startMs + (index * 1_000) / job.perSecond

  const answeredMs = new Float64Array(total)
  let due = 0
  let sent = 0
  let outstanding = 0
  let failed = 0
  const sendDue = () => {
    while (due < total && dueMs(due) <= performance.now()) due++
    while (sent < due) {
      const connection = idle.pop()
      if (connection === undefined) return
      const index = sent++
      outstanding++
      connection.send(bytes[index % bytes.length] as Buffer, (statusCode) => {
        idle.push(connection)
        outstanding--
        if (isExpected(statusCode)) answeredMs[index] = performance.now()
        else if (index >= firstMeasured) failed++
        if (sent < due) sendDue()
      })
    }
  }

  const endMs = startMs + job.warmUpMs + job.durationMs
  await tickUntil(() => {
    sendDue()
    return performance.now() >= endMs
  })
  await tickUntil(() => {
    return (sent === due && outstanding === 0) || performance.now() >= endMs + stragglersMs
  })
  const lastMs = performance.now()

  const values: number[] = []
  const byRoute: Record<string, number[]> = {}
  let answered = 0
  for (let index = firstMeasured; index < due; index++) {
    const atMs = answeredMs[index] ?? 0
    if (atMs > 0) answered++
    const latencyMs = (atMs > 0 ? atMs : lastMs) - dueMs(index)
    values.push(latencyMs)
    const { route } = job.requests[index % job.requests.length] ?? {}
    if (route !== undefined) (byRoute[route] ??= []).push(latencyMs)
  }
  const figures = {
    ...latencies(values),
    due: values.length,
    answeredRatio: answered / values.length,
    failed,
    byRoute,
  }
  sent = due
  for (const connection of connections) connection.close()
  return figures
}

function tickUntil(isOver: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const tick = () => {
      if (isOver()) resolve()
      else setTimeout(tick, 1)
    }
    tick()
  })
}
