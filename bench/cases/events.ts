import { activeTrace, eventChannel, listen, runInRequest } from '../../dist/core/index.js'
import type { Bench } from '../kit/bench.ts'

// Some arithmetic stands for the work that is announced. It is as small as it can be without being
// compiled away, so that next to it even a nanosecond is seen.
const reads = eventChannel('hotpath:cache:read')

function silent(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i++) sum = (Math.imul(sum, 31) + i) | 0
  return sum
}

function announcing(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i++) {
    sum = (Math.imul(sum, 31) + i) | 0
    if (reads.hasSubscribers) {
      reads.publish({
        cache: 'users',
        key: 'user:1',
        verdict: 'hit',
        tier: 'memory',
        durationMs: 0,
      })
    }
  }
  return sum
}

function tracing(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i++) {
    sum = (Math.imul(sum, 31) + i) | 0
    const trace = activeTrace()
    if (trace !== undefined) {
      trace.add({ kind: 'cache', atMs: 0, cache: 'users', key: 'user:1', verdict: 'hit' })
    }
  }
  return sum
}

const bench: Bench = {
  title: 'what the event channels and the trace cost',
  settings: ['the same loop of integer arithmetic, with and without an announcement'],
  peers: [],
  services: [],
  rounds: 7,
  processes: 'per-round',
  workloads: {
    step: {
      kind: 'operations',
      about: 'one step of arithmetic, and what announces it',
      warmupMs: 500,
      sliceMs: 250,
    },
  },
  contenders: {
    'no announcement': async () => ({ operate: silent }),
    'event, nobody listens': async () => ({ operate: announcing }),
    'event, one listener': async () => {
      let heard = 0
      listen('hotpath:cache:read', () => heard++)
      return { operate: (times) => announcing(times) + heard }
    },
    'trace, never on': async () => ({ operate: tracing }),
    'trace, on in another request': async () => {
      runInRequest({ route: '/', maxTraceEntries: 1 }, () => {})
      return { operate: tracing }
    },
    'trace, full': async () => ({
      operate: (times) => runInRequest({ route: '/', maxTraceEntries: 100 }, () => tracing(times)),
    }),
  },
  baseline: 'no announcement',
  claims: [
    {
      claim: 'an event that nobody listens to costs at most 2 ns of CPU time',
      value: (figures) =>
        figures.difference('step', 'event, nobody listens', 'no announcement', 'cpuNsPerOperation'),
      atMost: 2,
    },
    {
      claim: 'a trace that was never switched on costs at most 10 ns of CPU time',
      value: (figures) =>
        figures.difference('step', 'trace, never on', 'no announcement', 'cpuNsPerOperation'),
      atMost: 10,
    },
  ],
}

export default bench
