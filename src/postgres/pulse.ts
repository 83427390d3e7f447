// Answers that come this far apart still count as a steady stream.
const steadyGapMs = 5
// Stalls of several statements that end this close together are one hiccup of the machine.
const hiccupMs = 5

/**
 * How steadily the answers of a pool come in. When none come for a while, on any connection, then
 * the server, the network or this process stands still, and not the query that happens to run.
 */
export class Pulse {
  /** Milliseconds in which at least one answer came. */
  count = 0
  #atMs = -Infinity
  #stallEndedMs = -Infinity
  // The statement of all the stalls that have ended together; none when they are of several.
  #stalled: object | undefined

  /** An answer came. */
  beat(nowMs: number): void {
    if (nowMs - this.#atMs < 1) return
    this.#atMs = nowMs
    this.count++
  }

  /**
   * A query has stalled for so many milliseconds, since `count` was `fromCount`: whether it did so by
   * itself. Answers came to others all the while, and no stall of another statement ended just before.
   */
  isOwnStall(statement: object, fromCount: number, lengthMs: number, nowMs: number): boolean {
    const wasSteady = (this.count - fromCount) * steadyGapMs >= lengthMs
    const isLone = nowMs - this.#stallEndedMs > hiccupMs
    this.#stallEndedMs = nowMs
    if (isLone) this.#stalled = statement
    else if (this.#stalled !== statement) this.#stalled = undefined
    return wasSteady && this.#stalled === statement
  }
}
