import { fileURLToPath } from 'node:url'
import type { Bench, Contender, Figures, Subject } from '../kit/bench.ts'
import { openBusyServer } from '../workers/busy-server.ts'

const threads = 2
const functions = new URL('../workers/functions.ts', import.meta.url)
const fibInput = 17
const fibResult = 1_597

type FunctionName = 'echo' | 'fib' | 'spin'

/** A contender's pool, as one function. */
interface Pool {
  run(name: FunctionName, input: number): Promise<unknown>
  close(): Promise<unknown>
}

function contender(open: () => Promise<Pool>): Contender {
  return async ({ workload }): Promise<Subject> => {
    const pool = await open()
    const subject: Subject =
      workload === 'busy'
        ? await openBusyServer((ms) => pool.run('spin', ms))
        : { call: (input: number) => pool.run(workload === 'work' ? 'fib' : 'echo', input) }
    return {
      ...subject,
      async close() {
        await subject.close?.()
        await pool.close()
      },
    }
  }
}

function piscina(options: { concurrentTasksPerWorker: number }): Contender {
  return contender(async () => {
    const { Piscina } = await import('piscina')
    const filename = fileURLToPath(functions)
    const pool = new Piscina({ filename, minThreads: threads, maxThreads: threads, ...options })
    return {
      run: (name, input) => pool.run(input, { name }),
      close: () => pool.destroy(),
    }
  })
}

const best = 'piscina, 4 tasks a thread'

const bench: Bench = {
  title: 'calls of functions in worker threads',
  settings: [
    `${threads} threads, started before; the input is a number, and so is the result`,
    'hotpath with its time limit of 30 seconds for each call and its histograms; piscina with its own histograms, the others without',
    `busy: an HTTP server in the main thread, asked one request after the other by a client in the same process, while ${threads} threads run CPU tasks of 5 ms each without end`,
  ],
  peers: ['piscina', 'tinypool', 'workerpool'],
  services: [],
  rounds: 3,
  processes: 'per-round',
  workloads: {
    one: workload('an empty call, one after the other', 1, 7, 7),
    many: workload('an empty call, 64 in flight', 64, 7, 7),
    work: workload('0.15 ms of CPU time, 8 in flight', 8, fibInput, fibResult),
    busy: workload('an HTTP request to the main thread, the threads saturated', 1, 1, 5),
  },
  contenders: {
    [best]: piscina({ concurrentTasksPerWorker: 4 }),
    piscina: piscina({ concurrentTasksPerWorker: 1 }),
    'hotpath/workers': contender(async () => {
      const { createWorkers } = await import('hotpath/workers')
      return createWorkers<Record<FunctionName, (input: number) => number>>(functions, {
        minThreads: threads,
        maxThreads: threads,
      })
    }),
    tinypool: contender(async () => {
      const { Tinypool } = await import('tinypool')
      const filename = functions.href
      const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads })
      return {
        run: (name, input) => pool.run(input, { name }) as Promise<unknown>,
        close: () => pool.destroy(),
      }
    }),
    workerpool: contender(async () => {
      const { default: workerpool } = await import('workerpool')
      const script = fileURLToPath(new URL('../workers/workerpool-main.ts', import.meta.url))
      const pool = workerpool.pool(script, {
        minWorkers: threads,
        maxWorkers: threads,
        workerType: 'thread',
      })
      return {
        run: async (name, input) => pool.exec(name, [input]),
        close: async () => pool.terminate(),
      }
    }),
  },
  baseline: best,
  claims: [
    ...(['one', 'many', 'work'] as const).map((workload) => ({
      claim: `${{ one: 'one call after the other', many: '64 calls in flight', work: 'work of 0.15 ms' }[workload]}: at least as many calls a second as piscina in its best setting`,
      value: (figures: Figures) =>
        Math.min(
          ...[best, 'piscina'].map((peer) =>
            figures.ratio(workload, 'hotpath/workers', peer, 'perSecond'),
          ),
        ),
      atLeast: 1,
    })),
    {
      claim: 'while CPU tasks saturate the threads, p99 of a request to the main thread in ms',
      value: (figures) => figures.median('busy', 'hotpath/workers', 'p99Ms'),
      atMost: 10,
    },
  ],
}

function workload(about: string, callers: number, input: number, expected: number) {
  return {
    kind: 'callers',
    about,
    warmupMs: 250,
    sliceMs: 300,
    callers,
    inputs: [input],
    check: (answer: unknown) => answer === expected,
  } as const
}

export default bench
