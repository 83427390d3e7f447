/** The middle value; the mean of the two in the middle when there is an even number of them. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/**
 * The value below which `ratio` of the values lie, interpolated between neighbours.
 * `NaN` when there are none: a figure that was not measured must not look like a zero.
 */
export function quantile(values: readonly number[], ratio: number): number {
  const sorted = Float64Array.from(values).sort()
  const place = (sorted.length - 1) * ratio
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

/** All of them together. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** What one run of a load came to, in the figures that the table shows. */
export interface Latencies {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The median and the 99th percentile of latencies in milliseconds. */
export function latencies(valuesMs: readonly number[]): Latencies {
  return { p50Ms: quantile(valuesMs, 0.5), p99Ms: quantile(valuesMs, 0.99) }
}
