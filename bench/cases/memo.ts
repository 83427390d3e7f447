import { spawnSync } from 'node:child_process'
import { Random } from '../../examples/api/data/random.ts'
import { createZipf } from '../../examples/api/proof/load/zipf.ts'
import type { Bench, Contender, Figures, Subject } from '../kit/bench.ts'
import { lruHits, ownHits } from '../policy/simulate.ts'

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
const later = async (n: number) => n + 1

// A power of two, so that the loop wraps around with a mask.
const draws = 2 ** 16
const mask = draws - 1

interface Calls {
  number(n: number): number
  text(text: string): number
  two(a: number, b: string): number
  object(place: Place): number
  later(n: number): Promise<number>
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
    const call = each[workload] ?? (() => Number.NaN)
    let next = 0
    return {
      operate(times) {
        let sum = 0
        for (let done = 0; done < times; done++) sum = (sum + call(next++ & mask)) | 0
        return sum
      },
      async operateAwaited(times) {
        let sum = 0
        for (let done = 0; done < times; done++) {
          sum = (sum + (await calls.later(ranks[next++ & mask] as number))) | 0
        }
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
function wrapped(create: () => Lru, later: Calls['later']): Calls {
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
    later,
  }
}

/** What Python's own cache, written in C, takes for a hit, with the loop around it; or nothing. */
function pythonHitNs(): number | undefined {
  const program = [
    'import functools, random, time',
    'f = functools.lru_cache(maxsize=1000)(lambda n: n + 1)',
    'weights = [1 / (rank + 1) for rank in range(1000)]',
    'asked = random.Random(42).choices(range(1000), weights, k=65536)',
    'def run():',
    '    start = time.process_time_ns()',
    '    for n in asked: f(n)',
    '    return (time.process_time_ns() - start) / len(asked)',
    'print(min(run() for _ in range(15)))',
  ].join('\n')
  const { status, stdout } = spawnSync('python3', ['-c', program], { encoding: 'utf8' })
  return status === 0 ? Number(stdout) : undefined
}

/** How many more of the calls of the churn a hit answers than an LRU of the same size would. */
function churnPointsAboveLru(): number {
  const keys = Array.from({ length: churned }, (_, rank) => rank)
  const asked = Int32Array.from({ length: draws }, createZipf(keys, 1, new Random(42)))
  return ownHits(asked, resident) - lruHits(asked, resident)
}

const hasPython = spawnSync('python3', ['--version']).status === 0

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
    'lru-cache and lru.min wrapped by hand, with a key written for these very arguments, without counts; hotpath with its own keys and counts; awaited: lru-cache by its fetchMethod, lru.min with promises by hand',
    hasPython
      ? 'beside functools.lru_cache of the python3 that is here, over keys drawn alike'
      : 'no python3 here: nothing is compared with functools.lru_cache',
  ],
  peers: ['lru-cache', 'lru.min', 'moize'],
  services: [],
  rounds: 5,
  processes: 'per-round',
  workloads: {
    ...Object.fromEntries(
      [
        ...Object.entries(kinds),
        ['churn', 'one number, most of the keys not resident'] as const,
      ].map(([name, about]) => [
        name,
        { kind: 'operations', about, warmupMs: 150, sliceMs: 120 } as const,
      ]),
    ),
    later: {
      kind: 'awaited',
      about: 'one number of an async function, awaited',
      warmupMs: 200,
      sliceMs: 120,
    },
  },
  contenders: {
    'lru-cache by hand': contender(async () => {
      const { LRUCache } = await import('lru-cache')
      const fetched = new LRUCache<number, number>({ max: resident, fetchMethod: later })
      return wrapped(
        () => new LRUCache<string | number, number>({ max: resident }),
        (n) => fetched.fetch(n) as Promise<number>,
      )
    }),
    'hotpath/memo': contender(async () => {
      const { memoize } = await import('hotpath/memo')
      return {
        number: memoize(byNumber),
        text: memoize(byText),
        two: memoize(byTwo),
        object: memoize(byPlace),
        later: memoize(later),
      }
    }),
    'lru.min by hand': contender(async () => {
      const { createLRU } = await import('lru.min')
      const promises = createLRU<number, Promise<number>>({ max: resident })
      return wrapped(
        () => createLRU<string | number, number>({ max: resident }),
        (n) => {
          const kept = promises.get(n)
          if (kept !== undefined) return kept
          const promise = later(n)
          promises.set(n, promise)
          return promise
        },
      )
    }),
    moize: contender(async () => {
      const { default: moize } = await import('moize')
      const memoise = moize as unknown as MoizeFunction
      return {
        number: memoise(byNumber, { maxSize: resident }),
        text: memoise(byText, { maxSize: resident }),
        two: memoise(byTwo, { maxSize: resident }),
        object: memoise(byPlace, { maxSize: resident, isDeepEqual: true }),
        later: memoise(later, { maxSize: resident, isPromise: true }),
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
    {
      claim: 'with more hits: points above an LRU of the same size',
      value: churnPointsAboveLru,
      atLeast: 0,
    },
    {
      claim: 'an awaited hit of an async function takes no longer than lru-cache .fetch',
      value: (figures) =>
        figures.ratio('later', 'hotpath/memo', 'lru-cache by hand', 'cpuNsPerOperation'),
      atMost: 1,
    },
    // Where there is no Python, nothing is claimed of it.
    ...(hasPython
      ? [
          {
            claim: 'a hit by one number takes no longer than with functools.lru_cache of Python',
            value: (figures: Figures) =>
              figures.median('number', 'hotpath/memo', 'cpuNsPerOperation') /
              (pythonHitNs() ?? Number.NaN),
            atMost: 1,
          },
        ]
      : []),
  ],
}

type MoizeFunction = <F>(
  fn: F,
  options: { maxSize: number; isDeepEqual?: boolean; isPromise?: boolean },
) => F

export default bench
