import { eventChannel } from '../core/index.ts'
import { UsageSample, type CallUsage } from './call-usage.ts'
import { DurationHistogram, type DurationStats } from './duration-histogram.ts'
import type { ResolvedMeasureOptions } from './options.ts'
import { UsageTotals, type UsageStats } from './usage-totals.ts'

/** What has become of the calls of a measured function since it was made, or since `reset()`. */
export interface MeasureStats {
  /** Calls that have ended. */
  readonly calls: number
  /** Those of them that threw or rejected. */
  readonly errors: number
  /** Async calls and generators that have not ended. A generator that is left without `return()` never does. */
  readonly running: number
  readonly duration: DurationStats
  readonly usage: UsageStats
}

const callEvents = eventChannel('hotpath:measure:call')

// Without `sampleEvery`: once in so much of the function's own time, but not more seldom than this.
const ownTimePerSampleMs = 1
const maxGap = 1_024

/** Where the figures of one function come together. */
export class CallRecord {
  readonly #options: ResolvedMeasureOptions
  readonly #isQuiet: boolean
  readonly #hasLog: boolean
  readonly #durations = new DurationHistogram()
  #usage = new UsageTotals()
  #errors = 0
  #running = 0
  #untilSample: number
  #overlappedInARow = 0

  constructor(options: ResolvedMeasureOptions) {
    this.#options = options
    this.#hasLog = options.log !== undefined
    this.#isQuiet = !options.isKept && options.log === undefined
    this.#untilSample = options.sampleEvery === false ? Infinity : 1
  }

  /** Whether somebody wants to know of calls. */
  get isWanted(): boolean {
    return !this.#isQuiet || callEvents.hasSubscribers
  }

  /** Counts a call that begins; the readings if it is sampled. */
  begin(): UsageSample | undefined {
    return --this.#untilSample > 0 ? undefined : new UsageSample()
  }

  /** A call turns out to go on after it has returned. */
  goOn(): void {
    this.#running++
  }

  endLater(
    durationMs: number,
    usage: CallUsage | undefined,
    isFailed: boolean,
    error: unknown,
  ): void {
    this.#running--
    this.end(durationMs, usage, isFailed, error)
  }

  /** Nearly every call passes here with nothing to tell but its duration. */
  end(durationMs: number, usage: CallUsage | undefined, isFailed: boolean, error: unknown): void {
    this.#durations.add(durationMs)
    if (isFailed) this.#errors++
    if (usage !== undefined) this.#keepUsage(usage)
    if (this.#hasLog || callEvents.hasSubscribers) {
      this.#announce(durationMs, usage, isFailed, error)
    }
  }

  stats(): MeasureStats {
    const duration = this.#durations.stats()
    return {
      calls: duration.count,
      errors: this.#errors,
      running: this.#running,
      duration,
      usage: this.#usage.stats(),
    }
  }

  reset(): void {
    this.#durations.reset()
    this.#usage = new UsageTotals()
    this.#errors = 0
  }

  #keepUsage(usage: CallUsage): void {
    this.#usage.add(usage)
    const isOverlapped = usage.attribution === 'overlapped'
    this.#overlappedInARow = isOverlapped ? this.#overlappedInARow + 1 : 0
    const gap = this.#options.sampleEvery || this.#ownGap()
    // Anything from 1 to 2 × gap - 1, gap on average.
    this.#untilSample = 1 + Math.floor(Math.random() * (2 * gap - 1))
  }

  /** How many calls to the next sample. Where calls overlap, a sample tells little: they get rarer. */
  #ownGap(): number {
    const byTime = Math.max(1, Math.ceil(ownTimePerSampleMs / this.#durations.meanMs))
    return Math.min(byTime * 2 ** Math.min(this.#overlappedInARow, 8), maxGap)
  }

  #announce(
    durationMs: number,
    usage: CallUsage | undefined,
    isFailed: boolean,
    error: unknown,
  ): void {
    const { name, log } = this.#options
    const call = { name, durationMs, error, isFailed, usage }
    if (callEvents.hasSubscribers) callEvents.publish(call)
    try {
      log?.(call)
    } catch (thrown) {
      // As with a listener of a channel that throws.
      process.nextTick(() => {
        throw thrown
      })
    }
  }
}
