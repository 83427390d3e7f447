import type { CallUsage } from './call-usage.ts'

/** What sampled calls used, on average; undefined before there is a sample that can tell it. */
export interface UsageStats {
  /** Samples whose CPU time and memory can be told. */
  readonly samples: number
  /** Samples whose CPU time and memory cannot be told: see {@link CallUsage.attribution}. */
  readonly overlapped: number
  /** `thread` when at least one of the samples was an async call or a generator. */
  readonly attribution: 'call' | 'thread' | undefined
  readonly meanCpuMs: number | undefined
  readonly meanHeapBytes: number | undefined
  readonly meanRssBytes: number | undefined
  /** Of all samples, also of those that overlapped. */
  readonly meanEventLoopUtilization: number | undefined
}

/** Adds up what sampled calls used. */
export class UsageTotals {
  #samples = 0
  #overlapped = 0
  #ofThread = 0
  #cpuMs = 0
  #heapBytes = 0
  #rssBytes = 0
  #utilization = 0

  add({ attribution, cpuMs, heapBytes, rssBytes, eventLoopUtilization }: CallUsage): void {
    this.#utilization += eventLoopUtilization
    if (attribution === 'overlapped') {
      this.#overlapped++
      return
    }
    this.#samples++
    if (attribution === 'thread') this.#ofThread++
    this.#cpuMs += cpuMs ?? 0
    this.#heapBytes += heapBytes ?? 0
    this.#rssBytes += rssBytes ?? 0
  }

  stats(): UsageStats {
    const samples = this.#samples
    const all = samples + this.#overlapped
    return {
      samples,
      overlapped: this.#overlapped,
      attribution: samples === 0 ? undefined : this.#ofThread === 0 ? 'call' : 'thread',
      meanCpuMs: mean(this.#cpuMs, samples),
      meanHeapBytes: mean(this.#heapBytes, samples),
      meanRssBytes: mean(this.#rssBytes, samples),
      meanEventLoopUtilization: mean(this.#utilization, all),
    }
  }
}

function mean(sum: number, count: number): number | undefined {
  return count === 0 ? undefined : sum / count
}
