import { createHistogram } from 'node:perf_hooks'
import type { Bench, Contender } from '../kit/bench.ts'

type Add = (sum: number, n: number) => number

// What is measured is as small as can be: the time is that of the measuring.
const add: Add = (sum, n) => (Math.imul(sum, 31) + n) | 0
const addLater = async (sum: number, n: number) => add(sum, n)

function contender(wrap: (fn: Add, later: typeof addLater) => Promise<Wrapped>): Contender {
  return async () => {
    const { call, later } = await wrap(add, addLater)
    return {
      operate(times) {
        let sum = 0
        for (let i = 0; i < times; i++) sum = call(sum, i)
        return sum
      },
      async operateAwaited(times) {
        let sum = 0
        for (let i = 0; i < times; i++) sum = await later(sum, i)
        return sum
      },
    }
  }
}

interface Wrapped {
  readonly call: Add
  readonly later: typeof addLater
}

/** The decorator of the seed as one writes it in Node: clock and memory around each call. */
function byHand<Args extends unknown[], Result>(fn: (...args: Args) => Result) {
  const last = { durationMs: 0, rssBytes: 0 }
  return (...args: Args): Result => {
    const startMs = performance.now()
    const startBytes = process.memoryUsage().rss
    const end = () => {
      last.durationMs = performance.now() - startMs
      last.rssBytes = process.memoryUsage().rss - startBytes
    }
    let isPending = false
    try {
      const result = fn(...args)
      if (result instanceof Promise) {
        isPending = true
        return result.finally(end) as Result
      }
      return result
    } finally {
      if (!isPending) end()
    }
  }
}

const bench: Bench = {
  title: 'a measured call',
  settings: [
    'a function of one multiplication and one addition, called over and over',
    'prom-client: startTimer() and its end around the call; timerify: with a histogram',
    'by hand: the decorator of the seed, clock and resident memory around each call, nothing printed',
    'hotpath: histogram, CPU time, memory and event-loop utilisation by samples; quiet: without statistics, log or listener',
  ],
  peers: ['prom-client'],
  services: [],
  rounds: 7,
  processes: 'per-round',
  workloads: {
    call: {
      kind: 'operations',
      about: 'a synchronous function',
      warmupMs: 300,
      sliceMs: 200,
    },
    later: {
      kind: 'awaited',
      about: 'an async function, awaited',
      warmupMs: 300,
      sliceMs: 200,
    },
  },
  contenders: {
    'not measured': contender(async (call, later) => ({ call, later })),
    'hotpath/measure': contender(async (call, later) => {
      const { measure } = await import('hotpath/measure')
      return { call: measure(call), later: measure(later) }
    }),
    'hotpath/measure, quiet': contender(async (call, later) => {
      const { measure } = await import('hotpath/measure')
      const options = { statistics: false }
      return { call: measure(call, options), later: measure(later, options) }
    }),
    'prom-client timer': contender(async (call, later) => {
      const { default: prometheus } = await import('prom-client')
      const histogram = new prometheus.Histogram({
        name: 'call_seconds',
        help: 'How long calls take.',
        registers: [],
      })
      return {
        call: (sum, n) => {
          const end = histogram.startTimer()
          try {
            return call(sum, n)
          } finally {
            end()
          }
        },
        later: async (sum, n) => {
          const end = histogram.startTimer()
          try {
            return await later(sum, n)
          } finally {
            end()
          }
        },
      }
    }),
    'performance.timerify': contender(async (call, later) => ({
      call: performance.timerify(call, { histogram: createHistogram() }),
      later: performance.timerify(later, { histogram: createHistogram() }),
    })),
    'by hand, as the seed': contender(async (call, later) => ({
      call: byHand(call),
      later: byHand(later),
    })),
  },
  baseline: 'not measured',
  claims: [
    {
      claim: 'measuring a call adds at most 120 ns, with histogram, CPU time and memory sampled',
      value: (figures) =>
        figures.difference('call', 'hotpath/measure', 'not measured', 'cpuNsPerOperation'),
      atMost: 120,
    },
    {
      claim: 'when nobody collects it adds at most 20 ns',
      value: (figures) =>
        figures.difference('call', 'hotpath/measure, quiet', 'not measured', 'cpuNsPerOperation'),
      atMost: 20,
    },
    {
      claim:
        'a measured call takes no longer than with performance.timerify or a prom-client timer',
      value: (figures) =>
        Math.max(
          ...['performance.timerify', 'prom-client timer'].map((peer) =>
            figures.ratio('call', 'hotpath/measure', peer, 'cpuNsPerOperation'),
          ),
        ),
      atMost: 1,
    },
  ],
}

export default bench
