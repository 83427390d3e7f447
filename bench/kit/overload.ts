import { setTimeout as pause } from 'node:timers/promises'
import type { OverloadWorkload } from './bench.ts'
import type { Sample } from './figures.ts'
import { findPeak, runOpenLoop, type OpenAnswer } from './open-loop.ts'
import { quantile } from './statistics.ts'

const peakInFlight = 32
const peakMs = 1_200
const warmupMs = 500
const durationMs = 2_200
/** A client that has waited so long has given up: an answer that comes later is no goodput. */
export const patienceMs = 1_000
/** V8 takes some ten thousand requests until it has compiled what refuses them. */
const compileMs = 3_000
/** What a server has taken on then, it goes on to work at. */
const settleMs = 1_200
/** Connections cost the server nothing while they wait, and a server that sheds needs few. */
const connections = 1_000

/** Finds the peak of a contender's server, and asks it for less, for that, and for more. */
export async function measureOverload(
  { path, peakPath, criticalHeader, factor }: OverloadWorkload,
  url: string,
): Promise<Sample> {
  const target = new URL(path, url)
  const firstPeak = await findPeak(new URL(peakPath, url), peakInFlight, peakMs / 3)
  const common = { url: target, connections, criticalHeader }
  const perSecond = firstPeak * factor
  await runOpenLoop({ ...common, perSecond, warmupMs: 0, durationMs: compileMs })
  await pause(settleMs)
  const peakPerSecond = await findPeak(new URL(peakPath, url), peakInFlight, peakMs)
  const load = async (times: number) => {
    const rate = { perSecond: peakPerSecond * times, warmupMs, durationMs }
    return figuresOf(await runOpenLoop({ ...common, ...rate }))
  }
  const unloaded = await load(0.1)
  const atPeak = await load(1)
  const overload = await load(factor)
  return {
    peakPerSecond,
    unloadedP99Ms: unloaded.p99Ms,
    atPeakPerSecond: atPeak.goodPerSecond,
    atPeakP99Ms: atPeak.p99Ms,
    goodPerSecond: overload.goodPerSecond,
    goodputRatio: overload.goodPerSecond / peakPerSecond,
    p50Ms: overload.p50Ms,
    p99Ms: overload.p99Ms,
    p99Ratio: overload.p99Ms / unloaded.p99Ms,
    criticalServedRatio: overload.criticalServedRatio,
    unansweredRatio: overload.unansweredRatio,
  }
}

function figuresOf(answers: readonly OpenAnswer[]) {
  const served = answers.filter(({ status }) => status === 200)
  const good = served.filter(({ latencyMs }) => latencyMs <= patienceMs)
  const critical = answers.filter(({ isCritical }) => isCritical)
  const goodCritical = good.filter(({ isCritical }) => isCritical)
  const latenciesMs = Float64Array.from(served, ({ latencyMs }) => latencyMs).sort()
  return {
    goodPerSecond: (good.length * 1_000) / durationMs,
    // A server that has answered nothing in time has no latency either.
    p50Ms: served.length === 0 ? Number.NaN : quantile(latenciesMs, 0.5),
    p99Ms: served.length === 0 ? Number.NaN : quantile(latenciesMs, 0.99),
    criticalServedRatio: goodCritical.length / critical.length,
    unansweredRatio: answers.filter(({ status }) => status === 0).length / answers.length,
  }
}
