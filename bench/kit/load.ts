import type { HttpWorkload } from './bench.ts'
import type { ContenderProcess } from './contender.ts'
import type { Sample } from './figures.ts'
import { LoadConnection, type LoadObserver } from './load-connection.ts'
import { latencySample } from './measure.ts'

/** Puts a contender's server under load: throughput with pipelining, then latency without. */
export async function measureHttp(
  workload: HttpWorkload,
  contender: ContenderProcess,
  url: string,
): Promise<Sample> {
  await contender.resetPeakRss()
  const { count, elapsedMs, cpuMicros } = await load(workload, contender, url, {
    pipelining: workload.pipelining,
    sliceMs: workload.sliceMs,
  })
  const { latenciesMs } = await load(workload, contender, url, {
    pipelining: 1,
    sliceMs: workload.latencySliceMs,
  })
  return {
    requestsPerSecond: (count * 1e3) / elapsedMs,
    cpuMicrosPerRequest: cpuMicros / count,
    ...latencySample(latenciesMs),
    busyRatio: cpuMicros / (elapsedMs * 1e3),
    peakRssMb: (await contender.usage()).peakRssBytes / 1e6,
  }
}

interface Slice {
  readonly count: number
  readonly elapsedMs: number
  readonly cpuMicros: number
  readonly latenciesMs: readonly number[]
}

async function load(
  { path, headers, connections, warmupMs }: HttpWorkload,
  contender: ContenderProcess,
  url: string,
  { pipelining, sliceMs }: { pipelining: number; sliceMs: number },
): Promise<Slice> {
  let latenciesMs: number[] = []
  let badStatus: number | undefined
  let error: Error | undefined
  const observer: LoadObserver = {
    answered(status, responseMs) {
      latenciesMs.push(responseMs)
      if (status !== 200) badStatus = status
    },
    failed: (reason) => void (error = reason),
  }
  const target = new URL(path, url)
  const opened = Array.from(
    { length: connections },
    () => new LoadConnection(target, pipelining, observer, headers),
  )
  await elapse(warmupMs)
  const before = await contender.usage()
  latenciesMs = []
  const startMs = performance.now()
  await elapse(sliceMs)
  const after = await contender.usage()
  const slice = {
    count: latenciesMs.length,
    elapsedMs: performance.now() - startMs,
    cpuMicros: after.cpuMicros - before.cpuMicros,
    latenciesMs,
  }
  for (const connection of opened) connection.close()
  if (error !== undefined) throw new Error(`${target.href}: ${error.message}`)
  if (badStatus !== undefined) throw new Error(`${target.href}: answered by ${badStatus}, not 200`)
  return slice
}

function elapse(durationMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, durationMs))
}
