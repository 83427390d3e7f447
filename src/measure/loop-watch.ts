import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop was, in the last full interval; before its end, since the start. */
export interface LoopDelay {
  readonly minMs: number
  readonly maxMs: number
  readonly meanMs: number
  readonly stddevMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
}

/** The event loop of this thread. */
export interface LoopStats {
  /** Time that the loop has worked and waited since the monitor was made. */
  readonly activeMs: number
  readonly idleMs: number
  /** The share of the last full interval that it worked, 0 to 1; before its end, since the start. */
  readonly utilization: number
  readonly delay: LoopDelay
}

type Interval = Pick<LoopStats, 'utilization' | 'delay'>

// A timer that is due so often; how late it comes is the delay.
const resolutionMs = 10

export class LoopWatch {
  readonly #delays = monitorEventLoopDelay({ resolution: resolutionMs })
  readonly #atStart = performance.eventLoopUtilization()
  #before = this.#atStart
  #last: Interval | undefined

  constructor() {
    this.#delays.enable()
  }

  /** Ends an interval and begins the next. */
  turn(): void {
    this.#last = this.#sinceLast()
    this.#before = performance.eventLoopUtilization()
    this.#delays.reset()
  }

  stats(): LoopStats {
    const { active: activeMs, idle: idleMs } = performance.eventLoopUtilization(this.#atStart)
    return { activeMs, idleMs, ...(this.#last ?? this.#sinceLast()) }
  }

  close(): void {
    this.#delays.disable()
  }

  #sinceLast(): Interval {
    const { utilization } = performance.eventLoopUtilization(this.#before)
    const delays = this.#delays
    // Node gives the time between two fires of the timer, and for none odd limits.
    const late = (ns: number) => (delays.count === 0 ? 0 : Math.max(0, ns / 1e6 - resolutionMs))
    return {
      utilization,
      delay: {
        minMs: late(delays.min),
        maxMs: late(delays.max),
        meanMs: late(delays.mean),
        stddevMs: delays.count === 0 ? 0 : delays.stddev / 1e6,
        p50Ms: late(delays.percentile(50)),
        p90Ms: late(delays.percentile(90)),
        p99Ms: late(delays.percentile(99)),
      },
    }
  }
}
