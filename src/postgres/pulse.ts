// Answers that come this far apart still count as a steady stream.
const steadyGapMs = 5

/**
 * How steadily the answers of a pool come in. When none come for a while, on any connection, then
 * the server, the network or this process stands still, and not the query that happens to run.
 */
export class Pulse {
  /** Milliseconds in which at least one answer came. */
  count = 0
  #atMs = -Infinity

  /** An answer came. */
  beat(nowMs: number): void {
    if (nowMs - this.#atMs < 1) return
    this.#atMs = nowMs
    this.count++
  }

  /** Whether answers kept coming in the last so many milliseconds, since `count` was `fromCount`. */
  wasSteady(fromCount: number, lengthMs: number): boolean {
    return (this.count - fromCount) * steadyGapMs >= lengthMs
  }
}
