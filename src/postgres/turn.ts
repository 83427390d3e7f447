import type { Connection } from './connection.ts'

/** Reads of one turn that go to one connection at most: what is behind so many quick ones is not late. */
const mostTogether = 4
/** Of the time; above it the event loop is what everything waits for. */
const busyRatio = 0.7
const measuredEveryMs = 50

/** The share of its time that the event loop has worked since the last call. */
export type LoopShare = () => number

/**
 * The reads that are asked in one turn of the event loop and find idle connections. While the loop is
 * what everything waits for, a few of them go to one: its backend is woken once for all, and the machine
 * that both may share has more time for the rest. Otherwise each has a connection of its own and is
 * answered sooner.
 */
export class Turn {
  readonly #most: number
  readonly #loopShare: LoopShare
  #connection: Connection | undefined
  #isBusy = false
  #measuredMs = -Infinity

  constructor(maxPipelined: number, loopShare: LoopShare = ownLoopShare()) {
    this.#most = Math.min(mostTogether, maxPipelined)
    this.#loopShare = loopShare
  }

  /** The connection that the last read of this turn went to, if one more does no harm there. */
  connection(nowMs: number): Connection | undefined {
    const connection = this.#connection
    if (connection === undefined || connection.inFlight >= this.#most) return undefined
    return connection.takesReads && connection.isProven(nowMs) ? connection : undefined
  }

  /** A read goes there. */
  sent(connection: Connection, nowMs: number): void {
    if (this.#connection === undefined) {
      if (!this.#isLoopBusy(nowMs)) return
      setImmediate(() => {
        this.#connection = undefined
      })
    }
    this.#connection = connection
  }

  #isLoopBusy(nowMs: number): boolean {
    if (nowMs - this.#measuredMs >= measuredEveryMs) {
      this.#measuredMs = nowMs
      this.#isBusy = this.#loopShare() > busyRatio
    }
    return this.#isBusy
  }
}

function ownLoopShare(): LoopShare {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}
