import fc from 'fast-check'
import CachePolicy from 'http-cache-semantics'
import { describe, expect, test } from 'vitest'
import type { StoringRules } from './route-options.ts'
import { storability } from './storable.ts'

// What may be stored, and for how long, held against another implementation of RFC 9111. Where the
// two differ, the difference is in the list below, with the paragraph that allows it.

const nowEpochMs = Date.UTC(2026, 10, 25, 12)
const yearMs = 365 * 24 * 3_600_000

/** A route that leaves everything to its responses. */
const rules: StoringRules = {
  ttlMs: yearMs,
  notFoundTtlMs: false,
  staleMs: undefined,
  staleIfErrorMs: undefined,
  maxBodyBytes: 1_000,
  compress: false,
  keepsPrivate: false,
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

interface Difference {
  readonly why: string
  applies(answer: Answer, theirs: CachePolicy): boolean
  /** What the other one says there, and we do not. */
  readonly storable: boolean
}

function directives({ headers }: Answer): string {
  return headers['cache-control'] ?? ''
}

const differences: readonly Difference[] = [
  {
    why: 'Set-Cookie says that the answer is somebody’s: never stored here (RFC 9111, 7.3 advises it)',
    applies: ({ headers }) => headers['set-cookie'] !== undefined,
    storable: true,
  },
  {
    why: 'no-cache would be checked with the handler each time: not stored (5.2.2.4, 3: storing is a MAY)',
    applies: (answer) => /no-cache(?!=)/.test(directives(answer)),
    storable: true,
  },
  {
    why: 'Vary: * fits no other request: not stored (4.1)',
    applies: ({ headers }) => headers['vary'] === '*',
    storable: true,
  },
  {
    why: 'Vary on a credential tells viewers apart by a header, and not by a key of the route: not stored (3)',
    applies: ({ headers }) => /cookie|authorization/i.test(headers['vary'] ?? ''),
    storable: true,
  },
  {
    why: 'what is stale when it comes is not stored (3)',
    applies: (answer, theirs) => isExplicit(answer) && theirs.timeToLive() <= 0,
    storable: true,
  },
  {
    why: 'a status other than 200 is stored only where it says for how long, or that it is public (4.2.2: heuristics are a MAY)',
    applies: (answer) =>
      answer.status !== 200 && !isExplicit(answer) && !directives(answer).includes('public'),
    storable: true,
  },
]

function isExplicit({ headers }: Answer): boolean {
  return (
    /(?:s-maxage|max-age)=/.test(headers['cache-control'] ?? '') || headers['expires'] !== undefined
  )
}

const seconds = fc.constantFrom(0, 1, 30, 600, 86_400)
const directive = fc.oneof(
  seconds.map((count) => `max-age=${count}`),
  seconds.map((count) => `s-maxage=${count}`),
  fc.constantFrom('no-store', 'no-cache', 'private', 'public', 'must-revalidate', 'no-transform'),
)
// Each directive once: of two alike the RFC lets a cache take either (4.2.1).
const cacheControl = fc
  .uniqueArray(directive, { maxLength: 3, selector: (text) => text.split('=', 1)[0] })
  .map((list) => list.join(', '))
const httpDate = fc
  .integer({ min: -3_600, max: 3_600 })
  .map((offset) => new Date(nowEpochMs + offset * 1_000).toUTCString())
const answers: fc.Arbitrary<Answer> = fc.record({
  status: fc.constantFrom(200, 200, 200, 203, 204, 206, 301, 302, 307, 308, 404, 410, 500, 503),
  headers: fc
    .record(
      {
        'cache-control': cacheControl,
        expires: fc.oneof(httpDate, fc.constant('0')),
        age: fc.integer({ min: 0, max: 900 }).map(String),
        vary: fc.constantFrom('Accept-Language', 'Accept', '*', 'Cookie'),
        'set-cookie': fc.constant('a=b'),
      },
      { requiredKeys: [] },
    )
    .map((given): Readonly<Record<string, string>> => ({
      ...given,
      date: new Date(nowEpochMs).toUTCString(),
    })),
})

function policyOf({ status, headers }: Answer): CachePolicy {
  const request = { method: 'GET', url: '/', headers: { host: 'a.example' } }
  const policy = new CachePolicy(request, { status, headers: { ...headers } }, { shared: true })
  // It reads the clock by a method that its own tests replace.
  Object.assign(policy, { now: () => nowEpochMs, _responseTime: nowEpochMs })
  return policy
}

describe('beside http-cache-semantics', () => {
  const seen = new Map<string, number>()

  test('the two agree on what may be stored and for how long, but for what is listed', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const body = answer.status === 204 ? null : 'body'
        const ours = storability({ ...answer, body }, {}, { headers: {} }, rules, nowEpochMs)
        const theirs = policyOf(answer)
        const isKept = !('reason' in ours)
        const difference = differences.find((one) => one.applies(answer, theirs))
        if (difference !== undefined) {
          if (theirs.storable() !== isKept) {
            seen.set(difference.why, (seen.get(difference.why) ?? 0) + 1)
            expect(theirs.storable()).toBe(difference.storable)
          }
          // We are the stricter one, always.
          expect(isKept && !theirs.storable()).toBe(false)
          return
        }
        expect(isKept).toBe(theirs.storable())
        if ('reason' in ours || !isExplicit(answer)) return
        expect(Math.abs(ours.ttlMs - theirs.timeToLive())).toBeLessThanOrEqual(1_000)
      }),
      { numRuns: 20_000 },
    )
  })

  test('and each listed difference is one', () => {
    expect(differences.map(({ why }) => why).filter((why) => !seen.has(why))).toEqual([])
  })
})
