import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import type { DurationBuckets } from '../core/index.ts'
import { DurationHistogram } from './duration-histogram.ts'

/** The kinds of collection, in the words of OpenTelemetry's `v8js.gc.type`. */
export type GcKind = 'minor' | 'major' | 'incremental' | 'weakcb'

const kinds = new Map<unknown, GcKind>([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

// OpenTelemetry advises 10 ms to 10 s; most minor collections take less.
const boundsMs = [0.1, 1, 10, 100, 1_000, 10_000, Infinity]

/** Times the garbage collections of this thread, from when it is made until it is closed. */
export class GcWatch {
  readonly #times: Readonly<Record<GcKind, DurationHistogram>> = {
    minor: new DurationHistogram(),
    major: new DurationHistogram(),
    incremental: new DurationHistogram(),
    weakcb: new DurationHistogram(),
  }
  readonly #observer: PerformanceObserver

  /** @param onMajor hears of a major collection soon after its end */
  constructor(onMajor: () => void) {
    this.#observer = new PerformanceObserver((list) => {
      const kindsSeen = list.getEntries().map((entry) => this.#count(entry))
      if (kindsSeen.includes('major')) onMajor()
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  stats(): Record<GcKind, DurationBuckets> {
    const { minor, major, incremental, weakcb } = this.#times
    return {
      minor: minor.stats(boundsMs),
      major: major.stats(boundsMs),
      incremental: incremental.stats(boundsMs),
      weakcb: weakcb.stats(boundsMs),
    }
  }

  close(): void {
    this.#observer.disconnect()
  }

  #count(entry: PerformanceEntry): GcKind | undefined {
    const kind = kinds.get((entry as { detail?: { kind?: unknown } }).detail?.kind)
    if (kind !== undefined) this.#times[kind].add(entry.duration)
    return kind
  }
}
