import { expect, test } from 'vitest'
import { fetchMillion } from '../../bench/soaks/batch/million.ts'

// A reduced run of `npm run soak -- batch`. In a heap of 16 MB nothing can be kept for each address; the
// bar is above the soak's, for what a short run on a busy machine leaves to the compiler.
test(
  'twenty thousand addresses from an async iterable fit into a small heap',
  { timeout: 90_000 },
  async () => {
    const { done, failed, peakRssBytes } = await fetchMillion(20_000, () => {})
    expect([done, failed]).toEqual([20_000, 0])
    expect(peakRssBytes / 1e6).toBeLessThan(120)
  },
)
