import type { Random } from '../../data/random.ts'

/**
 * Draws from `ranked`, most popular first, so that rank k comes up in proportion to 1 / k^exponent:
 * the shape that request logs of real sites have.
 *
 * @throws RangeError when there is nothing to draw from
 */
export function createZipf<T>(ranked: readonly T[], exponent: number, random: Random): () => T {
  if (ranked.length === 0) throw new RangeError('a zipf distribution needs at least one item')
  const cumulative = new Float64Array(ranked.length)
  let total = 0
  for (let index = 0; index < ranked.length; index++) {
    total += 1 / (index + 1) ** exponent
    cumulative[index] = total
  }
  return () => ranked[firstAbove(cumulative, random.next() * total)] as T
}

/** The first index whose cumulative weight is above `weight`; the last one for rounding's sake. */
function firstAbove(cumulative: Float64Array, weight: number): number {
  let low = 0
  let high = cumulative.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((cumulative[middle] ?? 0) > weight) high = middle
    else low = middle + 1
  }
  return low
}
