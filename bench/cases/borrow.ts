import type { Bench, Contender } from '../kit/bench.ts'

const maxConnections = 10

interface Lender {
  connect(): Promise<{ release(): void }>
  end(): Promise<void>
}

function lender(open: (url: string) => Promise<Lender>): Contender {
  return async ({ url }) => {
    const pool = await open(url('postgres'))
    const first = await pool.connect()
    first.release()
    return {
      async operateAwaited(times) {
        for (let done = 0; done < times; done++) {
          const client = await pool.connect()
          client.release()
        }
        return times
      },
      close: () => pool.end(),
    }
  }
}

const hotpath = (leakDetectionMs: number | false) =>
  lender(async (url) => {
    const { createPool } = await import('hotpath/postgres')
    return createPool(url, { maxConnections, leakDetectionMs })
  })

const bench: Bench = {
  title: 'borrowing a client and returning it, without a query',
  settings: [`${maxConnections} connections at most; one borrower, who awaits each client`],
  peers: ['pg'],
  services: ['postgres'],
  rounds: 7,
  processes: 'per-round',
  workloads: {
    borrow: { kind: 'awaited', about: 'connect() and release()', warmupMs: 300, sliceMs: 200 },
  },
  contenders: {
    'pg.Pool': lender(async (connectionString) => {
      const { Pool } = await import('pg')
      return new Pool({ connectionString, max: maxConnections })
    }),
    'hotpath/postgres': hotpath(false),
    'hotpath/postgres, leak detection': hotpath(60_000),
  },
  baseline: 'hotpath/postgres',
  claims: [
    {
      claim: 'borrowing and returning a client takes at most 1 µs of CPU time',
      value: (figures) => figures.median('borrow', 'hotpath/postgres', 'cpuNsPerOperation') / 1_000,
      atMost: 1,
    },
  ],
}

export default bench
