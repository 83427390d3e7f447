import type { Connection } from './connection.ts'

// A read is not put behind a query that has run this long already: whoever runs for two
// milliseconds may well run for twenty.
const stalledAfterMs = 2

/**
 * The connection for a read: an idle one, else the one with the fewest queries under way, leaving out
 * those whose current query is slow and those that must be checked first. Undefined when the read had
 * better wait, which it also does when most of the connections are slow: their backends then wait for
 * a processor, and one that is given more work before it has done what it has would keep it from them.
 */
export function routeRead(
  connections: readonly Connection[],
  maxPipelined: number,
  nowMs: number,
  roundTripMs: number,
): Connection | undefined {
  let best: Connection | undefined
  let fewest = maxPipelined
  let working = 0
  let stalled = 0
  for (const connection of connections) {
    if (!connection.takesReads || !connection.isProven(nowMs)) continue
    const { inFlight } = connection
    if (inFlight === 0) return connection
    working++
    if (nowMs - roundTripMs - connection.headSinceMs > stalledAfterMs) {
      stalled++
      continue
    }
    if (inFlight >= fewest) continue
    best = connection
    fewest = inFlight
  }
  return stalled * 2 > working ? undefined : best
}

/** An idle connection, for what has to have one alone. */
export function routeAlone(
  connections: readonly Connection[],
  nowMs: number,
): Connection | undefined {
  return connections.find((connection) => connection.isIdle && connection.isProven(nowMs))
}

/**
 * Keeps as many connections clear of new reads as there are waiters who need one alone; without it
 * a steady stream of reads would never let them have one. Those with the least to do go first.
 */
export function reserve(connections: readonly Connection[], wanted: number): void {
  if (wanted >= connections.length) {
    for (const connection of connections) connection.isReserved = connection.isUsable
    return
  }
  const shared = connections.filter((connection) => connection.isUsable)
  shared.sort((a, b) => Number(b.isReserved) - Number(a.isReserved) || a.inFlight - b.inFlight)
  for (const [index, connection] of shared.entries()) connection.isReserved = index < wanted
  // What was reserved and went to a borrower, say, is for everybody when it comes back.
  for (const connection of connections) connection.isReserved &&= connection.isUsable
}
