import { memoize } from 'hotpath/memo'
import { LRUCache } from 'lru-cache'
import { Random } from '../../data/random.ts'
import { zipfExponent } from '../load/mix.ts'
import { createZipf } from '../load/zipf.ts'
import { nearestTag } from '../nearest-tag.ts'
import { interleave, perBuild } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { formatFigure } from '../table.ts'

/** Results that the usual and the hotpath way keep at most. */
const maxEntries = 1_000

/** Before the rounds, so many calls fill what keeps results; at most half of the budget goes here. */
const warmUpCalls = 20_000

const callsDrawn = 2 ** 15
/** Between two looks at the clock. */
const callsAtOnce = 32

export const row: ProofRow = {
  id: 'memo',
  order: 5,
  what: 'Memoisation: the tag that a mistyped one means',
  unit: 'µs',
  better: 'lower',
  claimed: 'O(n) → O(1)',
  budgetMs: 3_000,
  async measure({ catalogue, rounds, budgetMs, signal }) {
    const { tags } = catalogue
    const runs = { naive: 0, usual: 0, hotpath: 0 }
    const calls = { naive: 0, usual: 0, hotpath: 0 }
    const find = (build: keyof typeof runs) => (typed: string) => {
      runs[build]++
      return nearestTag(typed, tags)
    }
    const ways = {
      naive: find('naive'),
      usual: keepResults(find('usual')),
      hotpath: memoize(find('hotpath'), { maxEntries }),
    }
    const typed = drawTyped(tags)
    const warmUpMs = budgetMs / 4
    for (const way of [ways.usual, ways.hotpath]) {
      const endMs = performance.now() + warmUpMs
      for (let call = 0; call < warmUpCalls && performance.now() < endMs; call++) {
        way(typed[call % callsDrawn] ?? '')
      }
    }
    runs.usual = runs.hotpath = 0

    const runMs = budgetMs / 2 / (3 * rounds)
    const measured = await interleave(rounds, async (build) => {
      signal.throwIfAborted()
      const way = ways[build]
      let call = 0
      const startMs = performance.now()
      while (call === 0 || performance.now() - startMs < runMs) {
        for (let i = 0; i < callsAtOnce; i++) way(typed[call++ % callsDrawn] ?? '')
      }
      calls[build] += call
      return ((performance.now() - startMs) * 1_000) / call
    })
    const found = perBuild((build) => formatFigure(100 * (1 - runs[build] / calls[build])))
    return {
      rounds: measured,
      notes: [
        `Memoisation: of ${formatFigure(tags.length)} tags the nearest to what was typed (one letter left out, popular tags more often); ${maxEntries.toLocaleString('en-US')} results kept at most, by lru-cache in the usual way, which answered ${found.usual} % of the calls from them, hotpath ${found.hotpath} %.`,
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

/** What visitors type into the filter: a tag, as popular as it is, with a letter left out. */
function drawTyped(tags: readonly string[]): string[] {
  const random = new Random(42)
  const draw = createZipf(tags, zipfExponent, random)
  return Array.from({ length: callsDrawn }, () => {
    const tag = draw()
    const missing = random.below(tag.length)
    return tag.slice(0, missing) + tag.slice(missing + 1)
  })
}
