import { invalid, knownOptions } from '../core/index.ts'
import { serversFor } from './erlang.ts'
import type { WorkloadSlice } from './workload.ts'

/** What `pool.sizingHint` is asked. */
export interface SizingOptions {
  /**
   * The share of queries and borrowers that may have to wait for a connection, between 0 and 1.
   *
   * @defaultValue 0.05
   */
  waitingRatio?: number | undefined
}

/** What the load of the last five minutes says about `maxConnections`. */
export type SizingHint = NoSizing | Sizing

/** Fewer than a hundred queries in the busiest half minute, or no half minute is over yet. */
export interface NoSizing {
  readonly verdict: 'notEnoughData'
  /** The same in words. */
  readonly advice: string
}

/** Taken from the busiest half minute. */
export interface Sizing {
  /**
   * - `raise`: more wait than may, and more connections would help;
   * - `lower`: half of the connections would do;
   * - `bursts`: more wait than this load explains, since they come all at once or wait for connections
   *   to be opened;
   * - `keep`: none of these.
   */
  readonly verdict: 'raise' | 'lower' | 'bursts' | 'keep'
  /** The same in words. */
  readonly advice: string
  readonly maxConnections: number
  /** The fewest connections with which no more have to wait than may. */
  readonly suggestedConnections: number
  /** Connections that would be busy on average if nobody had to wait (Little's law). */
  readonly load: number
  readonly arrivalsPerSecond: number
  /** Milliseconds of a connection's time that each takes, sharing included. */
  readonly serviceMs: number
  /** The share that had to wait. */
  readonly waitedRatio: number
}

const minServed = 100

/** Reads a hint from the slices of a pool's workload. */
export function sizingHint(
  slices: readonly WorkloadSlice[],
  maxConnections: number,
  options: SizingOptions,
): SizingHint {
  knownOptions('sizingHint', options, ['waitingRatio'])
  const goal = options.waitingRatio ?? 0.05
  if (!(goal > 0 && goal < 1)) invalid('waitingRatio', 'between 0 and 1', goal)
  const known = slices.filter(({ served }) => served >= minServed)
  if (known.length === 0) return notEnough
  const busiest = known.reduce((most, slice) => (loadOf(slice) > loadOf(most) ? slice : most))
  const load = loadOf(busiest)
  const measured = {
    maxConnections,
    suggestedConnections: serversFor(load, goal),
    load,
    arrivalsPerSecond: (busiest.arrived / busiest.lengthMs) * 1_000,
    serviceMs: busiest.busyMs / busiest.served,
    waitedRatio: busiest.waited / busiest.arrived,
  }
  const verdict = judge(measured, goal)
  return { verdict, advice: `${describe(measured, goal)} ${advices[verdict]}`, ...measured }
}

const notEnough: NoSizing = {
  verdict: 'notEnoughData',
  advice: `no half minute with ${minServed} queries or more in the last five; ask again under load`,
}

type Measured = Omit<Sizing, 'verdict' | 'advice'>

// Little's law: what comes in a second times what each takes. Where the pool cannot keep up, more comes
// than is served, and counting busy connections alone would find no more than there are.
function loadOf({ arrived, served, busyMs, lengthMs }: WorkloadSlice): number {
  return (arrived / lengthMs) * (busyMs / served)
}

function judge(measured: Measured, goal: number): Sizing['verdict'] {
  const { suggestedConnections, maxConnections, waitedRatio } = measured
  if (suggestedConnections > maxConnections) return 'raise'
  if (waitedRatio > 2 * goal) return 'bursts'
  return suggestedConnections <= maxConnections / 2 ? 'lower' : 'keep'
}

const advices: Record<Sizing['verdict'], string> = {
  raise:
    'Raise maxConnections to that if the server has room, for each process of the service, or shorten what holds connections.',
  lower: 'Lower maxConnections to that if the server is short of connections.',
  bursts:
    'This load does not explain so many that wait: they come all at once, for which more connections help, or wait for connections to be opened, for which a higher minConnections does.',
  keep: 'Leave maxConnections as it is.',
}

function describe(measured: Measured, goal: number): string {
  const { load, arrivalsPerSecond, serviceMs, waitedRatio } = measured
  const rate = `${rounded(arrivalsPerSecond)} queries a second, ${rounded(serviceMs)} ms of a connection each`
  return (
    `In the busiest half minute ${rounded(load)} of ${measured.maxConnections} connections were needed ` +
    `(${rate}) and ${percent(waitedRatio)} waited; with ${measured.suggestedConnections} at most ${percent(goal)} would.`
  )
}

function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)))
}

function percent(ratio: number): string {
  return `${rounded(ratio * 100)} %`
}
