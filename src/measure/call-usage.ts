/** What one call used, as far as it can be told. */
export interface CallUsage {
  /**
   * Whose figures these are:
   * - `call`: a synchronous call. Nothing else ran on the thread meanwhile.
   * - `thread`: an async call or a generator. While it waited, the thread may have done other work,
   *   which is in these figures too.
   * - `overlapped`: other measured async calls began or ended meanwhile. What the call itself used
   *   cannot be told, so CPU time and memory are undefined.
   */
  readonly attribution: 'call' | 'thread' | 'overlapped'
  /** CPU time of the thread; on Node 22, which cannot tell it, of all threads of the process. */
  readonly cpuMs: number | undefined
  /** By how much the used heap grew; negative where the garbage collector ran. */
  readonly heapBytes: number | undefined
  /** By how much the resident memory of the whole process grew. */
  readonly rssBytes: number | undefined
  /**
   * The share of its time that the event loop was busy during the call, 0 to 1: a long call with a
   * low share waited for others, one with a high share waited for its turn. A synchronous call: 1.
   */
  readonly eventLoopUtilization: number
}

/** Counts the beginnings and ends of measured async calls in this thread, and the steps of generators. */
let turns = 0

/** Says that a measured async call began or ended, or that a measured generator took a step. */
export function countTurn(): void {
  turns++
}

// `process.threadCpuUsage` came with Node 23.9.
const readCpu = (process.threadCpuUsage ?? process.cpuUsage).bind(process)

/** The readings at the beginning of a call. */
export class UsageSample {
  readonly #turns = turns
  readonly #loop = performance.eventLoopUtilization()
  readonly #cpu = readCpu()
  readonly #memory = process.memoryUsage()

  /** At the end of a synchronous call. */
  ofCall(): CallUsage {
    return { ...this.#figures(), attribution: 'call', eventLoopUtilization: 1 }
  }

  /** At the end of one that took `ownTurns` turns. */
  ofThread(ownTurns: number): CallUsage {
    const isAlone = turns - this.#turns === ownTurns
    const figures = isAlone ? this.#figures() : undefined
    return {
      cpuMs: figures?.cpuMs,
      heapBytes: figures?.heapBytes,
      rssBytes: figures?.rssBytes,
      attribution: isAlone ? 'thread' : 'overlapped',
      eventLoopUtilization: performance.eventLoopUtilization(this.#loop).utilization,
    }
  }

  #figures(): { cpuMs: number; heapBytes: number; rssBytes: number } {
    const { heapUsed, rss } = process.memoryUsage()
    const cpu = readCpu()
    return {
      cpuMs: (cpu.user + cpu.system - this.#cpu.user - this.#cpu.system) / 1e3,
      heapBytes: heapUsed - this.#memory.heapUsed,
      rssBytes: rss - this.#memory.rss,
    }
  }
}
