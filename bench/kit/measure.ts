import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AwaitedWorkload, CallersWorkload, OperationsWorkload } from './bench.ts'
import type { Sample } from './figures.ts'
import { peakRssBytes, resetPeakRss } from './memory.ts'
import { quantile } from './statistics.ts'

// Runs in the contender's process.

/** Microseconds of CPU time that this process has used, all its threads together. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

export function measureOperations(
  { warmupMs, sliceMs }: OperationsWorkload,
  operate: (times: number) => number,
): Sample {
  const times = warmBatchSize(operate, warmupMs / 2)
  repeat(operate, times, warmupMs / 2)
  const slice = repeat(operate, times, sliceMs)
  return perOperation(slice)
}

export async function measureAwaited(
  { warmupMs, sliceMs }: AwaitedWorkload,
  operate: (times: number) => Promise<number>,
): Promise<Sample> {
  const times = await warmAwaitedBatchSize(operate, warmupMs / 2)
  await repeatAwaited(operate, times, warmupMs / 2)
  return perOperation(await repeatAwaited(operate, times, sliceMs))
}

function perOperation({ count, elapsedMs, cpu }: Slice): Sample {
  return { cpuNsPerOperation: (cpu * 1e3) / count, nsPerOperation: (elapsedMs * 1e6) / count }
}

export async function measureCallers(
  workload: CallersWorkload,
  call: (input: number) => Promise<unknown>,
): Promise<Sample> {
  await runCallers(workload, workload.warmupMs, async (input) => {
    const answer = await call(input)
    if (workload.check(answer, input)) return
    throw new Error(`a wrong answer to ${input}: ${JSON.stringify(answer)}`)
  })
  resetPeakRss()
  const { count, elapsedMs, cpu, latenciesMs } = await runCallers(workload, workload.sliceMs, call)
  return {
    perSecond: (count * 1e3) / elapsedMs,
    cpuMicrosPerCall: cpu / count,
    ...latencySample(latenciesMs),
    peakRssMb: peakRssBytes() / 1e6,
  }
}

export function latencySample(latenciesMs: readonly number[]): { p50Ms: number; p99Ms: number } {
  const sorted = Float64Array.from(latenciesMs).sort()
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
}

// Long enough that reading the clock costs next to nothing, and short enough that the function is
// called often: V8 compiles a function of few calls and long loops in another way than most code.
const batchMs = 0.02

function warmBatchSize(operate: (times: number) => number, durationMs: number): number {
  let times = 1
  const startMs = performance.now()
  while (performance.now() - startMs < durationMs) {
    const fitsMore = repeat(operate, times, batchMs).count > times
    if (fitsMore) times *= 2
  }
  return times
}

interface Slice {
  readonly count: number
  readonly elapsedMs: number
  readonly cpu: number
}

function repeat(operate: (times: number) => number, times: number, durationMs: number): Slice {
  // The results are added up and looked at: what nobody reads, the compiler may leave out.
  let sum = 0
  let count = 0
  let elapsedMs = 0
  const startCpu = cpuMicros()
  const startMs = performance.now()
  do {
    sum += operate(times)
    count += times
    elapsedMs = performance.now() - startMs
  } while (elapsedMs < durationMs)
  if (Number.isNaN(sum)) throw new Error('operate must return a number')
  return { count, elapsedMs, cpu: cpuMicros() - startCpu }
}

// Between two batches the event loop takes a turn, as it does between the requests of a server: with
// promises alone no timer would ever fire, neither that of a cache's clock nor one that cleans up.
// A batch is so long that the turn does not count beside it.
const awaitedBatchMs = 0.5

async function warmAwaitedBatchSize(
  operate: (times: number) => Promise<number>,
  durationMs: number,
): Promise<number> {
  let times = 1
  const startMs = performance.now()
  while (performance.now() - startMs < durationMs) {
    const batchStartMs = performance.now()
    await operate(times)
    if (performance.now() - batchStartMs < awaitedBatchMs / 2) times *= 2
    await nextTurn()
  }
  return times
}

async function repeatAwaited(
  operate: (times: number) => Promise<number>,
  times: number,
  durationMs: number,
): Promise<Slice> {
  let sum = 0
  let count = 0
  let elapsedMs = 0
  const startCpu = cpuMicros()
  const startMs = performance.now()
  do {
    sum += await operate(times)
    count += times
    await nextTurn()
    elapsedMs = performance.now() - startMs
  } while (elapsedMs < durationMs)
  if (Number.isNaN(sum)) throw new Error('operateAwaited must resolve with a number')
  return { count, elapsedMs, cpu: cpuMicros() - startCpu }
}

async function runCallers(
  { callers, inputs, isSlow }: CallersWorkload,
  durationMs: number,
  call: (input: number) => Promise<unknown>,
): Promise<Slice & { latenciesMs: readonly number[] }> {
  const latenciesMs: number[] = []
  let count = 0
  const startCpu = cpuMicros()
  const startMs = performance.now()
  const { promise: slice, resolve: end } = Promise.withResolvers<Slice>()
  let ended = false
  let next = 0

  async function caller(): Promise<void> {
    while (!ended) {
      const askedMs = performance.now()
      const elapsedMs = askedMs - startMs
      if (elapsedMs >= durationMs) {
        // What is still under way now was not answered in time and does not count.
        ended = true
        end({ count, elapsedMs, cpu: cpuMicros() - startCpu })
        return
      }
      const input = inputs[next++ % inputs.length] as number
      await call(input)
      if (ended) return
      count++
      if (isSlow?.(input) !== true) latenciesMs.push(performance.now() - askedMs)
    }
  }

  await Promise.all(Array.from({ length: callers }, caller))
  return { ...(await slice), latenciesMs }
}
