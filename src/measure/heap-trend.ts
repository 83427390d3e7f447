/** How the heap that garbage collections leave behind has changed over time. */
export interface HeapTrend {
  /**
   * `growing` when even the low end of the interval is above 0: the sign of a leak, once what the app
   * fills at its start is full. `not enough data` with fewer than ten major collections, at least a
   * second apart.
   */
  readonly state: 'growing' | 'steady' | 'shrinking' | 'not enough data'
  /** The collections that it is worked out of, at most 60. */
  readonly samples: number
  readonly overMs: number
  readonly bytesPerHour: number | undefined
  /** The slope is between these with 95 % confidence. */
  readonly lowBytesPerHour: number | undefined
  readonly highBytesPerHour: number | undefined
}

interface Point {
  readonly atMs: number
  readonly bytes: number
}

const maxPoints = 60
const minPoints = 10
const hourMs = 3_600_000

/**
 * The slope of the heap after major collections, by Theil and Sen: the median of the slopes between
 * all pairs of points, which a third of them can be off without moving it far. The interval is Sen's,
 * from Kendall's variance (Sen 1968, "Estimates of the regression coefficient based on Kendall's tau").
 */
export class HeapTrendWindow {
  readonly #points: Point[] = []
  #spacingMs = 1_000
  #trend: HeapTrend | undefined

  get lastBytes(): number | undefined {
    return this.#points.at(-1)?.bytes
  }

  add(atMs: number, bytes: number): void {
    this.#trend = undefined
    const last = this.#points.at(-1)
    // Under pressure one collection follows the other. The least that one of them left counts.
    if (last !== undefined && atMs - last.atMs < this.#spacingMs) {
      this.#points[this.#points.length - 1] = { ...last, bytes: Math.min(last.bytes, bytes) }
      return
    }
    if (this.#points.push({ atMs, bytes }) > maxPoints) this.#thin()
  }

  trend(): HeapTrend {
    return (this.#trend ??= trendOf(this.#points))
  }

  /** A longer look back tells more than a denser one, until it is an hour long; then the oldest go. */
  #thin(): void {
    if (this.#spacingMs * maxPoints >= hourMs) {
      this.#points.shift()
      return
    }
    this.#spacingMs *= 2
    const kept: Point[] = []
    for (const point of this.#points) {
      const last = kept.at(-1)
      if (last === undefined || point.atMs - last.atMs >= this.#spacingMs) kept.push(point)
      else kept[kept.length - 1] = { ...last, bytes: Math.min(last.bytes, point.bytes) }
    }
    // Collections that are far apart are not thinned by a spacing: then, too, the oldest goes.
    if (kept.length > maxPoints) kept.shift()
    this.#points.splice(0, maxPoints + 1, ...kept)
  }
}

function trendOf(points: readonly Point[]): HeapTrend {
  const samples = points.length
  const overMs = (points.at(-1)?.atMs ?? 0) - (points[0]?.atMs ?? 0)
  if (samples < minPoints) {
    const none = {
      bytesPerHour: undefined,
      lowBytesPerHour: undefined,
      highBytesPerHour: undefined,
    }
    return { state: 'not enough data', samples, overMs, ...none }
  }
  const slopes = slopesBetween(points)
  const pairs = slopes.length
  const spread = 1.96 * Math.sqrt((samples * (samples - 1) * (2 * samples + 5)) / 18)
  const low = slopes[Math.max(0, Math.floor((pairs - spread) / 2))] as number
  const high = slopes[Math.min(pairs - 1, Math.ceil((pairs + spread) / 2))] as number
  return {
    state: low > 0 ? 'growing' : high < 0 ? 'shrinking' : 'steady',
    samples,
    overMs,
    bytesPerHour: slopes[pairs >> 1],
    lowBytesPerHour: low,
    highBytesPerHour: high,
  }
}

/** Bytes per hour between any two points, in order. */
function slopesBetween(points: readonly Point[]): Float64Array {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2)
  let at = 0
  points.forEach((later, index) => {
    for (const earlier of points.slice(0, index)) {
      slopes[at++] = ((later.bytes - earlier.bytes) * hourMs) / (later.atMs - earlier.atMs)
    }
  })
  return slopes.sort()
}
