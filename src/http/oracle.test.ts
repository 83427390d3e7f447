import fc from 'fast-check'
import CachePolicy from 'http-cache-semantics'
import { describe, expect, test } from 'vitest'
import type { StoringRules } from './route-options.ts'
import { storability } from './storable.ts'

// What may be stored, and for how long, held against another implementation of RFC 9111. Wherever
// the two differ, the difference is in the list below, with the paragraph that we follow there.
// Who asks is not compared: credentials are decided upon by the route, before anything is stored.

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
  /** The members of `Cache-Control`. */
  readonly directives: readonly string[]
  readonly headers: Readonly<Record<string, string>>
}

/** Where one of the two does not store what the other does, or stores it for less. */
interface Difference {
  readonly why: string
  readonly paragraph: string
  /** `either`: it depends on what is said. */
  readonly stricter: 'we' | 'they' | 'either'
  readonly about: 'storing' | 'lifetime'
  /** `theirMs` is how long the other one keeps it. */
  applies(answer: Answer, theirMs: number): boolean
}

const differences: readonly Difference[] = [
  {
    why: 'Set-Cookie says that the answer is somebody’s',
    paragraph: 'RFC 9111, 7.3',
    stricter: 'we',
    about: 'storing',
    applies: ({ headers }) => headers['set-cookie'] !== undefined,
  },
  {
    why: 'no-cache would be checked with the handler each time: storing it is a MAY',
    paragraph: 'RFC 9111, 5.2.2.4 and 3',
    stricter: 'we',
    about: 'storing',
    applies: has('no-cache'),
  },
  {
    why: 'Vary: * fits no other request',
    paragraph: 'RFC 9111, 4.1',
    stricter: 'we',
    about: 'storing',
    applies: ({ headers }) => headers['vary'] === '*',
  },
  {
    why: 'Vary on a credential tells viewers apart by a header, and not by a key of the route',
    paragraph: 'RFC 9111, 3.5',
    stricter: 'we',
    about: 'storing',
    applies: ({ headers }) => /cookie|authorization/i.test(headers['vary'] ?? ''),
  },
  {
    why: 'what is stale when it comes would have to be checked each time',
    paragraph: 'RFC 9111, 4.2.4 and 3',
    stricter: 'we',
    about: 'storing',
    applies: isOver,
  },
  {
    why: 'a status other than 200 is stored only where it says for how long, or that it is public',
    paragraph: 'RFC 9111, 4.2.2',
    stricter: 'we',
    about: 'storing',
    applies: (answer) => answer.status !== 200 && !saysHowLong(answer),
  },
  {
    why: 'private with field names is about those fields, which are left out',
    paragraph: 'RFC 9111, 5.2.2.7',
    stricter: 'they',
    about: 'storing',
    applies: has('private="x-a"'),
  },
  {
    why: 'must-understand takes back the no-store beside it where the status is understood',
    paragraph: 'RFC 9111, 5.2.2.3',
    stricter: 'they',
    about: 'storing',
    applies: (answer) => has('must-understand')(answer) && has('no-store')(answer),
  },
  {
    why: 'directives are the same in capitals',
    paragraph: 'RFC 9111, 5.2',
    stricter: 'they',
    about: 'storing',
    applies: has('MAX-AGE=600'),
  },
  {
    why: 'the age that follows from Date counts too',
    paragraph: 'RFC 9111, 4.2.3',
    stricter: 'we',
    about: 'lifetime',
    applies: ({ headers }) => Date.parse(headers['date'] ?? '') < nowEpochMs,
  },
  {
    why: 'of a directive that is given twice the first one counts, not the last',
    paragraph: 'RFC 9111, 4.2.1',
    stricter: 'either',
    about: 'lifetime',
    applies: repeats,
  },
  {
    why: 'the time in which it may be sent stale is no part of its lifetime',
    paragraph: 'RFC 5861, 3',
    stricter: 'we',
    about: 'lifetime',
    applies: (answer) => answer.directives.some((one) => one.startsWith('stale-')),
  },
  {
    why: 'where a response says nothing the route does',
    paragraph: 'RFC 9111, 4.2.2',
    stricter: 'they',
    about: 'lifetime',
    applies: (answer) => !saysHowLong(answer) || has('public')(answer),
  },
  {
    why: 'directives are the same in capitals, and count more than Expires',
    paragraph: 'RFC 9111, 5.2 and 5.3',
    stricter: 'either',
    about: 'lifetime',
    applies: has('MAX-AGE=600'),
  },
  {
    why: 'proxy-revalidate is about what is stale; fresh, it is sent',
    paragraph: 'RFC 9111, 5.2.2.8',
    stricter: 'they',
    about: 'lifetime',
    applies: has('proxy-revalidate'),
  },
  {
    why: 'no-cache with field names is about those fields, which are left out',
    paragraph: 'RFC 9111, 5.2.2.4',
    stricter: 'they',
    about: 'lifetime',
    applies: has('no-cache="x-a"'),
  },
  {
    why: 'Pragma means nothing in a response',
    paragraph: 'RFC 9111, 5.4',
    stricter: 'they',
    about: 'lifetime',
    applies: ({ headers }) => headers['pragma'] !== undefined,
  },
]

function has(directive: string): (answer: Answer) => boolean {
  return ({ directives }) => directives.includes(directive)
}

function saysHowLong({ directives, headers }: Answer): boolean {
  return directives.some((one) => /max-?age=/i.test(one)) || headers['expires'] !== undefined
}

// As the other one sees it, but for what it reads otherwise: see the differences in lifetime.
function isOver(answer: Answer, theirMs: number): boolean {
  if (!saysHowLong(answer)) return false
  const unseenAgeMs = nowEpochMs - Date.parse(answer.headers['date'] ?? '')
  const staleMs = has('stale-while-revalidate=9')(answer) ? 9_000 : 0
  return theirMs <= unseenAgeMs + staleMs || repeats(answer) || has('MAX-AGE=600')(answer)
}

function repeats({ directives }: Answer): boolean {
  const names = directives.map((one) => one.toLowerCase().split('=', 1)[0])
  return new Set(names).size < names.length
}

const directive = fc.oneof(
  fc.constantFrom(
    ...['max-age=0', 'max-age=30', 'max-age=600', 'max-age="45"', 'max-age=soon', 'max-age=-1'],
  ),
  fc.constantFrom('s-maxage=0', 's-maxage=30', 'MAX-AGE=600', 'stale-while-revalidate=9'),
  fc.constantFrom('no-store', 'no-cache', 'private', 'public', 'must-revalidate', 'no-transform'),
  fc.constantFrom('private="x-a"', 'no-cache="x-a"', 'must-understand', 'proxy-revalidate', 'new'),
)
const secondsFromNow = (min: number, max: number) =>
  fc.integer({ min, max }).map((offset) => new Date(nowEpochMs + offset * 1_000).toUTCString())
const answers: fc.Arbitrary<Answer> = fc
  .record({
    status: fc.constantFrom(
      ...[200, 200, 200, 203, 204, 206, 301, 302, 302, 307, 404, 410, 451, 500],
    ),
    directives: fc.array(directive, { maxLength: 3 }),
    date: fc.oneof(fc.constant(new Date(nowEpochMs).toUTCString()), secondsFromNow(-40, 0)),
    fields: fc.record(
      {
        expires: fc.oneof(secondsFromNow(-3_600, 3_600), fc.constant('0')),
        age: fc.oneof(fc.integer({ min: 0, max: 900 }).map(String), fc.constant('old')),
        vary: fc.constantFrom('Accept-Language', 'Accept', '*', 'Cookie'),
        'set-cookie': fc.constant('a=b'),
        pragma: fc.constant('no-cache'),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ status, directives, date, fields }): Answer => {
    const headers = { ...fields, date }
    if (directives.length === 0) return { status, directives, headers }
    return { status, directives, headers: { ...headers, 'cache-control': directives.join(', ') } }
  })

/** How long each of the two keeps an answer; `undefined` where it does not. */
function verdicts({ status, headers }: Answer) {
  const body = status === 204 ? null : 'body'
  const ours = storability({ status, headers, body }, {}, { headers: {} }, rules, nowEpochMs)
  const request = { method: 'GET', url: '/', headers: { host: 'a.example' } }
  const policy = new CachePolicy(request, { status, headers: { ...headers } }, { shared: true })
  // It reads the clock by a method that its own tests replace.
  Object.assign(policy, { now: () => nowEpochMs, _responseTime: nowEpochMs })
  return {
    ourMs: 'reason' in ours ? undefined : ours.ttlMs,
    theirMs: policy.storable() ? policy.timeToLive() : undefined,
  }
}

function comparison({
  ourMs,
  theirMs,
}: ReturnType<typeof verdicts>): Pick<Difference, 'stricter' | 'about'> | undefined {
  if (ourMs === undefined && theirMs === undefined) return undefined
  if (ourMs === undefined) return { stricter: 'we', about: 'storing' }
  if (theirMs === undefined) return { stricter: 'they', about: 'storing' }
  if (Math.abs(ourMs - theirMs) <= 1_000) return undefined
  return { stricter: ourMs < theirMs ? 'we' : 'they', about: 'lifetime' }
}

describe('beside http-cache-semantics', () => {
  const seen = new Set<Difference>()

  // Half a minute: 60,000 answers take some seconds, and several times that on a busy machine.
  test(
    'the two agree on what may be stored and for how long, but for what is listed',
    { timeout: 30_000 },
    () => {
      let agreed = 0
      const judge = (answer: Answer) => {
        const both = verdicts(answer)
        const found = comparison(both)
        if (found === undefined) {
          agreed++
          return
        }
        const named = differences.filter(
          ({ stricter, about, applies }) =>
            [found.stricter, 'either'].includes(stricter) &&
            about === found.about &&
            applies(answer, both.theirMs ?? 0),
        )
        expect(named, `${found.stricter} are stricter about ${found.about}`).not.toEqual([])
        // One that stands alone is one that is needed.
        if (named[0] !== undefined && named.length === 1) seen.add(named[0])
      }
      // The same answers each time, so that each difference is always among them.
      fc.assert(fc.property(answers, judge), { numRuns: 60_000, seed: 9_111 })
      expect(agreed).toBeGreaterThan(15_000)
    },
  )

  test('and each listed difference is one', () => {
    expect(differences.filter((one) => !seen.has(one)).map(({ why }) => why)).toEqual([])
  })
})
