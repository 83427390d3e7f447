import { memoize } from 'hotpath/memo'
import { LRUCache } from 'lru-cache'
import { Random } from '../../data/random.ts'
import { zipfExponent } from '../load/mix.ts'
import { createZipf } from '../load/zipf.ts'
import { nearestTag } from '../nearest-tag.ts'
import { interleave } from '../per-build.ts'
import type { ProofRow } from '../row.ts'

/** Results that the usual and the hotpath way keep at most; no more is asked for. */
const maxEntries = 1_000

const callsDrawn = 2 ** 14
/** Between two looks at the clock. */
const callsAtOnce = 64

export const row: ProofRow = {
  id: 'memo',
  order: 5,
  what: 'Memoisation: the tag that a mistyped one means',
  unit: 'µs',
  better: 'lower',
  claimed: 'O(n) → O(1)',
  budgetMs: 2_500,
  async measure({ catalogue, rounds, budgetMs, signal }) {
    const { tags } = catalogue
    const find = (typed: string) => nearestTag(typed, tags)
    const ways = { naive: find, usual: keepResults(find), hotpath: memoize(find, { maxEntries }) }
    const mistyped = mistype(tags)
    const drawn = Array.from(
      { length: callsDrawn },
      createZipf(mistyped, zipfExponent, new Random(42)),
    )
    const run = (way: (typed: string) => string, durationMs: number) => {
      signal.throwIfAborted()
      let calls = 0
      const startMs = performance.now()
      while (calls === 0 || performance.now() - startMs < durationMs) {
        for (let i = 0; i < callsAtOnce; i++) way(drawn[calls++ % callsDrawn] ?? '')
      }
      return ((performance.now() - startMs) * 1_000) / calls
    }

    const runMs = budgetMs / (3 * rounds + 2)
    for (const way of [ways.usual, ways.hotpath]) {
      for (const typed of mistyped) way(typed)
      run(way, runMs)
    }
    return {
      rounds: await interleave(rounds, async (build) => run(ways[build], runMs)),
      notes: [
        `Memoisation: which of ${tags.length.toLocaleString('en-US')} tags is nearest to what was typed, for ${mistyped.length.toLocaleString('en-US')} misspellings that have been asked for before; naive computes it each time, usual keeps it in lru-cache by hand.`,
      ],
    }
  },
}

function keepResults(fn: (typed: string) => string): (typed: string) => string {
  const results = new LRUCache<string, string>({ max: maxEntries })
  return (typed) => {
    let result = results.get(typed)
    if (result === undefined) {
      result = fn(typed)
      results.set(typed, result)
    }
    return result
  }
}

/** The tags with each of their letters left out in turn, the most popular first. */
function mistype(tags: readonly string[]): string[] {
  const typed = tags.flatMap((tag) =>
    Array.from(tag, (_, missing) => tag.slice(0, missing) + tag.slice(missing + 1)),
  )
  return [...new Set(typed)].slice(0, maxEntries)
}
