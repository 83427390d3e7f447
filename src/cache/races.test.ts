import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCache, type LoadContext } from './index.ts'

// Reads, writes and the ends of loads in any order. A load reads the database when it begins and
// ends when the test says so; a write changes the database and then tells the cache. Whoever asks
// after a write has told must not be answered with what was there before it.
const ways = {
  'by a tag that is given': { tags: ['tag'], late: [] },
  'by a tag that the load names at its end': { tags: [], late: ['tag'] },
  'by its key': undefined,
} as const

const step = fc.oneof(
  { weight: 5, arbitrary: fc.constant('read' as const) },
  { weight: 2, arbitrary: fc.constant('write' as const) },
  { weight: 1, arbitrary: fc.constant('unrelated write' as const) },
  { weight: 3, arbitrary: fc.constant('end the oldest load' as const) },
  { weight: 2, arbitrary: fc.constant('end the newest load' as const) },
)

test.each(Object.entries(ways))(
  'a write is seen by every read after it: forgotten %s',
  async (_, tags) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 40 }), async (steps) => {
        await using cache = createCache<number>()
        let database = 0
        const loads: (() => void)[] = []
        const reads: Promise<void>[] = []

        const load = async ({ addTags }: LoadContext) => {
          const value = database
          await new Promise<void>((resolve) => loads.push(resolve))
          addTags(tags?.late ?? [])
          return value
        }
        const read = async () => {
          const told = database
          expect(await cache.getOrSet('key', load, { tags: tags?.tags })).toBeGreaterThanOrEqual(
            told,
          )
        }
        const write = async () => {
          database++
          if (tags === undefined) await cache.delete('key')
          else await cache.invalidateTags(['tag'])
        }

        for (const one of steps) {
          if (one === 'read') reads.push(read())
          else if (one === 'write') await write()
          else if (one === 'unrelated write') await cache.invalidateTags(['other'])
          else if (one === 'end the oldest load') loads.shift()?.()
          else loads.pop()?.()
          await new Promise(setImmediate)
        }
        // The last reads may begin loads of their own when the first have ended.
        const all = Promise.all(reads)
        const ended = all.then(() => true)
        while (
          !(await Promise.race([ended, new Promise((resolve) => setImmediate(resolve, false))]))
        ) {
          loads.shift()?.()
        }
        await all
      }),
      { numRuns: 300 },
    )
  },
)
