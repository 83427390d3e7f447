import { Random } from '../../examples/api/data/random.ts'
import { createZipf } from '../../examples/api/proof/load/zipf.ts'
import type { Bench, Contender, Figures, Subject } from '../kit/bench.ts'

const resident = 1_000
const churned = 100_000

interface Place {
  readonly city: string
  readonly zone: number
}

// What is memoised is as small as can be: the memory is measured, not the function.
const byNumber = (n: number) => n + 1
const byText = (text: string) => text.length
const byTwo = (a: number, b: string) => a + b.length
const byPlace = (place: Place) => place.zone

// A power of two, so that the loop wraps around with a mask.
const draws = 2 ** 16
const mask = draws - 1

interface Calls {
  number(n: number): number
  text(text: string): number
  two(a: number, b: string): number
  object(place: Place): number
}

/** How a contender memoises each of the functions, within `resident` results. */
type Memoise = () => Promise<Calls>

function contender(memoise: Memoise): Contender {
  return async ({ workload }): Promise<Subject> => {
    const calls = await memoise()
    const keys = Array.from(
      { length: workload === 'churn' ? churned : resident },
      (_, rank) => rank,
    )
    const ranks = Array.from({ length: draws }, createZipf(keys, 1, new Random(42)))
    const texts = ranks.map((rank) => `article-${rank}`)
    const places = ranks.map((rank): Place => ({ city: `city-${rank}`, zone: rank & 7 }))
    const each: Record<string, (at: number) => number> = {
      number: (at) => calls.number(ranks[at] as number),
      text: (at) => calls.text(texts[at] as string),
      two: (at) => calls.two(ranks[at] as number, texts[at] as string),
      object: (at) => calls.object(places[at] as Place),
      churn: (at) => calls.number(ranks[at] as number),
    }
    const call = each[workload]
    if (call === undefined) throw new Error(`no workload ${workload}`)
    let next = 0
    return {
      operate(times) {
        let sum = 0
        for (let done = 0; done < times; done++) sum = (sum + call(next++ & mask)) | 0
        return sum
      },
    }
  }
}

interface Lru {
  get(key: string | number): number | undefined
  set(key: string | number, value: number): unknown
}

/** Wrapped by hand, with the key that somebody who knows the arguments would write. */
function wrapped(create: () => Lru): Calls {
  const remember = <Args extends unknown[]>(
    keyOf: (...args: Args) => string | number,
    fn: (...args: Args) => number,
  ) => {
    const lru = create()
    return (...args: Args): number => {
      const key = keyOf(...args)
      const kept = lru.get(key)
      if (kept !== undefined) return kept
      const value = fn(...args)
      lru.set(key, value)
      return value
    }
  }
  return {
    number: remember((n: number) => n, byNumber),
    text: remember((text: string) => text, byText),
    two: remember((a: number, b: string) => `${a}:${b}`, byTwo),
    object: remember((place: Place) => JSON.stringify(place), byPlace),
  }
}

const kinds = {
  number: 'one number',
  text: 'one text',
  two: 'a number and a text',
  object: 'an object of two properties',
} as const

const bench: Bench = {
  title: 'a memoised call',
  settings: [
    `room for ${resident.toLocaleString('en-US')} results; ${resident.toLocaleString('en-US')} keys, all resident, asked for by zipf (exponent 1)`,
    `churn: the same room, ${churned.toLocaleString('en-US')} keys`,
    'lru-cache and lru.min wrapped by hand, with a key written for these very arguments, without counts; hotpath with its own keys and counts',
  ],
  peers: ['lru-cache', 'lru.min', 'moize'],
  services: [],
  rounds: 5,
  processes: 'per-round',
  workloads: Object.fromEntries(
    [...Object.entries(kinds), ['churn', 'one number, most of the keys not resident'] as const].map(
      ([name, about]) => [name, { kind: 'operations', about, warmupMs: 150, sliceMs: 120 }],
    ),
  ),
  contenders: {
    'lru-cache by hand': contender(async () => {
      const { LRUCache } = await import('lru-cache')
      return wrapped(() => new LRUCache<string | number, number>({ max: resident }))
    }),
    'hotpath/memo': contender(async () => {
      const { memoize } = await import('hotpath/memo')
      return {
        number: memoize(byNumber),
        text: memoize(byText),
        two: memoize(byTwo),
        object: memoize(byPlace),
      }
    }),
    'lru.min by hand': contender(async () => {
      const { createLRU } = await import('lru.min')
      return wrapped(() => createLRU<string | number, number>({ max: resident }))
    }),
    moize: contender(async () => {
      const { default: moize } = await import('moize')
      const memoise = moize as unknown as MoizeFunction
      return {
        number: memoise(byNumber, { maxSize: resident }),
        text: memoise(byText, { maxSize: resident }),
        two: memoise(byTwo, { maxSize: resident }),
        object: memoise(byPlace, { maxSize: resident, isDeepEqual: true }),
      }
    }),
  },
  baseline: 'lru-cache by hand',
  claims: [
    ...Object.entries(kinds).map(([name, about]) => ({
      claim: `a hit by ${about} takes no longer than with the faster of lru-cache and lru.min by hand`,
      value: (figures: Figures) =>
        Math.max(
          ...['lru-cache by hand', 'lru.min by hand'].map((peer) =>
            figures.ratio(name, 'hotpath/memo', peer, 'cpuNsPerOperation'),
          ),
        ),
      atMost: 1,
    })),
    {
      claim: 'churn takes no longer than with lru-cache by hand',
      value: (figures) =>
        figures.ratio('churn', 'hotpath/memo', 'lru-cache by hand', 'cpuNsPerOperation'),
      atMost: 1,
    },
  ],
}

type MoizeFunction = <F>(fn: F, options: { maxSize: number; isDeepEqual?: boolean }) => F

export default bench
