/** The middle of the values, and the borders of their middle half. */
export interface Summary {
  readonly median: number
  readonly lowerQuartile: number
  readonly upperQuartile: number
}

export function summarise(values: readonly number[]): Summary {
  const sorted = Float64Array.from(values).sort()
  return {
    median: quantile(sorted, 0.5),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
  }
}

export function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5)
}

/** The value below which `share` of the sorted values lie, interpolated between neighbours. */
export function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) throw new RangeError('no values, no quantile')
  const position = share * (sorted.length - 1)
  const below = Math.floor(position)
  const lower = sorted[below] as number
  const upper = sorted[Math.min(below + 1, sorted.length - 1)] as number
  return lower + (upper - lower) * (position - below)
}
