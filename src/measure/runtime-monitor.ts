import { readFileSync } from 'node:fs'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import { register, type Timer } from '../core/index.ts'
import type { DurationBuckets } from '../core/index.ts'
import { GcWatch, type GcKind } from './gc-watch.ts'
import { HeapTrendWindow, type HeapTrend } from './heap-trend.ts'
import { LoopWatch, type LoopStats } from './loop-watch.ts'
import {
  resolveRuntimeMonitorOptions,
  type ResolvedRuntimeMonitorOptions,
  type RuntimeMonitorOptions,
} from './monitor-options.ts'

/** A snapshot of the process, and of the thread that the monitor was made in. */
export interface RuntimeStats {
  readonly loop: LoopStats
  /** Garbage collections since the monitor was made, by kind. */
  readonly gc: Readonly<Record<GcKind, DurationBuckets>>
  readonly heap: {
    readonly usedBytes: number
    /** The same by V8's spaces: `new_space`, `old_space`, … */
    readonly usedBytesBySpace: Readonly<Record<string, number>>
    readonly committedBytes: number
    /** Where V8 gives up with "out of memory". */
    readonly limitBytes: number
    /** What the last major collection left; undefined before the first. */
    readonly afterGcBytes: number | undefined
    readonly trend: HeapTrend
  }
  /** Resident memory of the process, and what of it lies outside the heap. */
  readonly rssBytes: number
  readonly externalBytes: number
  /** CPU time of the process since its start, all threads. */
  readonly cpuUserMs: number
  readonly cpuSystemMs: number
  /** Threads of the process, as the operating system counts them; undefined where it does not tell (other than Linux). */
  readonly threads: number | undefined
  /** What keeps the event loop alive: sockets, timers, requests to the file system. */
  readonly activeResources: number
  /** The same by type: `TCPSocketWrap`, `Timeout`, … */
  readonly resourcesByType: Readonly<Record<string, number>>
}

/** Watches the runtime. Made by {@link createRuntimeMonitor}. */
export interface RuntimeMonitor {
  readonly name: string
  stats(): RuntimeStats
  /** Stops watching. Figures can still be read. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Watches event loop, garbage collection, heap, memory, threads and resources, for the exporters and
 * for whoever asks `stats()`. It does not hold the process open.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createRuntimeMonitor } from 'hotpath/measure'
 *
 * const monitor = createRuntimeMonitor()
 * const { loop, heap } = monitor.stats()
 * console.log(loop.delay.p99Ms, heap.trend.state)
 * ```
 */
export function createRuntimeMonitor(options: RuntimeMonitorOptions = {}): RuntimeMonitor {
  return new Monitor(resolveRuntimeMonitorOptions(options))
}

class Monitor implements RuntimeMonitor {
  readonly name: string
  readonly #options: ResolvedRuntimeMonitorOptions
  readonly #loop = new LoopWatch()
  readonly #trend = new HeapTrendWindow()
  readonly #gc: GcWatch
  readonly #unregister: () => void
  #timer: Timer

  constructor(options: ResolvedRuntimeMonitorOptions) {
    this.name = options.name
    this.#options = options
    this.#gc = new GcWatch(() => {
      this.#trend.add(options.clock.monotonicMs(), getHeapStatistics().used_heap_size)
    })
    this.#timer = this.#nextTurn()
    this.#unregister = register('monitor', options.name, () => this.stats())
  }

  stats(): RuntimeStats {
    const heap = getHeapStatistics()
    const cpu = process.cpuUsage()
    const resources = process.getActiveResourcesInfo()
    return {
      loop: this.#loop.stats(),
      gc: this.#gc.stats(),
      heap: {
        usedBytes: heap.used_heap_size,
        usedBytesBySpace: Object.fromEntries(
          getHeapSpaceStatistics().map((space) => [space.space_name, space.space_used_size]),
        ),
        committedBytes: heap.total_heap_size,
        limitBytes: heap.heap_size_limit,
        afterGcBytes: this.#trend.lastBytes,
        trend: this.#trend.trend(),
      },
      rssBytes: process.memoryUsage.rss(),
      externalBytes: heap.external_memory,
      cpuUserMs: cpu.user / 1e3,
      cpuSystemMs: cpu.system / 1e3,
      threads: countThreads(),
      activeResources: resources.length,
      resourcesByType: countByType(resources),
    }
  }

  async close(): Promise<void> {
    this.#timer.cancel()
    this.#loop.close()
    this.#gc.close()
    this.#unregister()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #nextTurn(): Timer {
    const { clock, intervalMs } = this.#options
    return clock.after(intervalMs, () => {
      this.#loop.turn()
      this.#timer = this.#nextTurn()
    })
  }
}

function countThreads(): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const [, threads] = /^Threads:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return threads === undefined ? undefined : Number(threads)
  } catch {
    return undefined
  }
}

function countByType(resources: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const type of resources) counts[type] = (counts[type] ?? 0) + 1
  return counts
}
