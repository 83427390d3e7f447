/** In the time that a request takes, a class may fill its room so many times. */
const roomsPerLatency = 2
/** So much of a room may be filled at once, beyond one request. */
const burstRatio = 0.125

/**
 * Spreads what is let in over the time that requests take, as TCP paces a window over a round trip.
 *
 * A busy process looks at its sockets between two lots of work, and finds a request for each place
 * that has become free. Those that are let in together have waited together when they come to the
 * CPU: each stands behind the others, they leave together, and while the next lot waits for its
 * database the CPU has nothing to do.
 *
 * It is a GCRA over time. By Little's law a full room passes once in the mean latency, and a median is
 * at most twice the mean: at two rooms in each median latency nobody is held back for long.
 */
export class Pace {
  /** When the next one is due, if none comes early: the theoretical arrival time. */
  #dueMs = -Infinity

  /** @param room - how many a class may have under way */
  lets(nowMs: number, room: number, latencyMs: number): boolean {
    const burst = Math.max(1, room * burstRatio)
    return nowMs >= this.#dueMs - burst * everyMs(room, latencyMs)
  }

  /** One was let in, whether it had to be or not. */
  count(nowMs: number, room: number, latencyMs: number): void {
    this.#dueMs = Math.max(nowMs, this.#dueMs) + everyMs(room, latencyMs)
  }
}

function everyMs(room: number, latencyMs: number): number {
  return latencyMs / (room * roomsPerLatency)
}
