import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { createCache, type LoadContext } from './index.ts'

// Reads, writes, expiries, time and the ends of loads in any order, with every limit that there is.
// Nothing is checked against a copy of the cache: each answer is judged by when its value was made
// and by what happened since.
const ttlMs = 100
const staleMs = 50
const staleIfErrorMs = 150
const softTimeoutMs = 20
const hardTimeoutMs = 60
const retryMs = 1_000

interface Made {
  /** Counts all that happens: when the load began, and when it ended. */
  readonly began: number
  ended: number
  endedMs: number
  readonly signal: AbortSignal | undefined
  readonly finish: (isGood: boolean) => void
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant('read' as const) },
  { weight: 1, arbitrary: fc.constant('set' as const) },
  { weight: 1, arbitrary: fc.constant('delete' as const) },
  { weight: 1, arbitrary: fc.constant('invalidate' as const) },
  { weight: 2, arbitrary: fc.constant('expire' as const) },
  { weight: 4, arbitrary: fc.constant('end a load well' as const) },
  { weight: 2, arbitrary: fc.constant('end a load badly' as const) },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 30 }).map((fives) => fives * 5) },
)

test.each([['given'], ['named by the load at its end']])(
  'nothing is served that was overtaken or is too old, and no load runs twice: tags %s',
  async (which) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const clock = createManualClock()
        const limits = { ttlMs, staleMs, staleIfErrorMs, softTimeoutMs, hardTimeoutMs }
        await using cache = createCache<Made>({ clock, ...limits })
        const lateTags = which === 'given' ? [] : ['tag']
        const tags = which === 'given' ? ['tag'] : []
        const settled = () => new Promise(setImmediate)

        let now = 0
        let wipedAt = 0
        const expiries: { at: number; ms: number }[] = []
        const failuresMs: number[] = []
        const running: Made[] = []
        const answeredFresh = new Set<Made>()
        const reads: Promise<void>[] = []

        const changedAt = () => Math.max(wipedAt, expiries.at(-1)?.at ?? 0)
        const made = (finish: Made['finish'], signal?: AbortSignal): Made => {
          return { began: ++now, ended: now, endedMs: clock.monotonicMs(), signal, finish }
        }
        /** How long the value is past its freshness; negative while it is fresh. */
        const staleForMs = (value: Made) => {
          const last = expiries.at(-1)
          const endMs = value.endedMs + ttlMs
          const expiredMs = last !== undefined && last.at > value.began ? last.ms : Infinity
          return clock.monotonicMs() - Math.min(endMs, expiredMs)
        }

        const load = async ({ signal, addTags }: LoadContext) => {
          const others = running.filter((one) => !one.signal?.aborted && one.began > changedAt())
          expect(others).toEqual([])
          const gate = Promise.withResolvers<boolean>()
          const value = made(gate.resolve, signal)
          running.push(value)
          const isGood = await gate.promise
          addTags(lateTags)
          value.ended = ++now
          value.endedMs = clock.monotonicMs()
          if (isGood) return value
          failuresMs.push(clock.monotonicMs())
          throw new Error('no luck')
        }

        const read = async () => {
          const asked = ++now
          const askedMs = clock.monotonicMs()
          const wipedBefore = wipedAt
          const expiredBefore = expiries.at(-1)?.at ?? 0
          const known = [...answeredFresh].filter((one) => staleForMs(one) < staleIfErrorMs)
          let isStale = false
          const options = { tags, onStale: () => (isStale = true) }
          let value: Made
          try {
            value = await cache.getOrSet('key', load, options)
          } catch {
            // Somebody had a value that was good enough, and it has not been wiped: it must be served.
            const spare = known.filter((one) => {
              const wasKept = !expiries.some(({ at }) => at > one.began && at < one.ended)
              return wasKept && one.began > wipedAt && staleForMs(one) < staleIfErrorMs
            })
            expect(spare).toEqual([])
            return
          }
          expect(value.began).toBeGreaterThan(wipedBefore)
          if (!isStale) {
            expect(value.began).toBeGreaterThan(expiredBefore)
            if (value.ended < asked) expect(staleForMs(value)).toBeLessThan(0)
            answeredFresh.add(value)
            return
          }
          expect(staleForMs(value)).toBeGreaterThanOrEqual(0)
          expect(staleForMs(value)).toBeLessThan(staleIfErrorMs)
          const waitedMs = clock.monotonicMs() - askedMs
          const hasFailed = failuresMs.some((ms) => ms > clock.monotonicMs() - retryMs)
          if (waitedMs < softTimeoutMs && !hasFailed) {
            expect(staleForMs(value)).toBeLessThan(staleMs)
          }
        }

        const take: Record<Exclude<(typeof steps)[number], number>, () => Promise<void> | void> = {
          read: () => void reads.push(read()),
          set: () => {
            wipedAt = ++now
            return cache.set(
              'key',
              made(() => {}),
              { tags: ['tag'] },
            )
          },
          delete: () => {
            wipedAt = ++now
            return cache.delete('key')
          },
          invalidate: () => {
            wipedAt = ++now
            return cache.invalidateTags(['tag'])
          },
          expire: () => {
            // What is too old already need not be there any more when its time is counted anew.
            for (const one of answeredFresh) {
              if (staleForMs(one) >= staleIfErrorMs) answeredFresh.delete(one)
            }
            expiries.push({ at: ++now, ms: clock.monotonicMs() })
            return cache.expireTags(['tag'])
          },
          'end a load well': () => running.shift()?.finish(true),
          'end a load badly': () => running.pop()?.finish(false),
        }

        const pass = async (byMs: number) => {
          for (let ms = 0; ms < byMs; ms += 5) {
            clock.advance(5)
            await settled()
          }
        }

        for (const one of steps) {
          if (typeof one === 'number') await pass(one)
          else await take[one]()
          await settled()
        }
        // Whoever still waits is answered when time passes, whether loads end or not.
        await pass(2 * hardTimeoutMs)
        await Promise.all(reads)
      }),
      { numRuns: 1_000 },
    )
  },
)
