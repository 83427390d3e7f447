import pg from 'pg'
import { afterEach, expect, test, vi } from 'vitest'
import { startPostgres } from '@hotpath/services'
import { createPool, type PoolOptions, type PostgresPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const pools: PostgresPool[] = []

function open(target: string | pg.ClientConfig, options: PoolOptions = {}): PostgresPool {
  const pool = createPool(target, options)
  pools.push(pool)
  return pool
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})

/** The same server, reached otherwise. */
function changed(change: (url: URL) => void): string {
  const other = new URL(url)
  change(other)
  return other.href
}

test.each([
  {
    wrong: 'a port where nobody listens',
    target: changed((one) => (one.port = '1')),
    cause: /ECONNREFUSED/,
  },
  {
    wrong: 'a host that does not exist',
    target: changed((one) => (one.hostname = 'nowhere.invalid')),
    cause: /ENOTFOUND|EAI_AGAIN/,
  },
  {
    wrong: 'a user that does not exist',
    target: changed((one) => (one.username = 'nobody_at_all')),
    cause: /password authentication failed|role "nobody_at_all" does not exist/,
  },
  {
    wrong: 'a wrong password',
    target: changed((one) => (one.password = 'wrong')),
    cause: /password authentication failed/,
  },
  {
    wrong: 'a database that does not exist',
    target: changed((one) => (one.pathname = '/missing')),
    cause: /database "missing" does not exist/,
  },
  {
    wrong: 'TLS, which the server does not speak',
    target: changed((one) => one.searchParams.set('sslmode', 'verify-full')),
    cause: /does not support SSL/,
  },
])('$wrong: told at once, with the cause, and nothing is left', async ({ target, cause }) => {
  const pool = open(target, { minConnections: 0, acquireTimeoutMs: 5_000 })
  const answers = await Promise.allSettled([
    pool.query('select 1'),
    pool.query('select 2'),
    pool.connect(),
  ])
  for (const answer of answers) {
    expect(answer).toMatchObject({
      status: 'rejected',
      reason: { code: 'HOTPATH_POSTGRES_CONNECT_FAILED', message: expect.stringMatching(cause) },
    })
  }
  await vi.waitUntil(() => pool.totalCount === 0)
  expect(pool.stats()).toMatchObject({ connections: 0, opening: 0, waiting: 0, inFlight: 0 })
})

test.each(['not a url at all', 'http://[', 42, null])(
  '%j is no address: told when the pool is made or asked',
  async (target) => {
    const attempt = async () => {
      const pool = open(target as string, { minConnections: 0, acquireTimeoutMs: 1_000 })
      await pool.query('select 1')
    }
    await expect(attempt()).rejects.toMatchObject({
      code: expect.stringMatching(/^HOTPATH_(OPTION_INVALID|POSTGRES_CONNECT_FAILED)$/),
    })
  },
)

/** The way in of a user who is nobody special: places are kept free for the superuser. */
async function addressOfApp(serverUrl: string): Promise<string> {
  const admin = new pg.Client(serverUrl)
  await admin.connect()
  await admin.query("create role app login password 'app'")
  await admin.end()
  const address = new URL(serverUrl)
  address.username = 'app'
  address.password = 'app'
  return address.href
}

test('a server that takes no more connections: whoever waits is served by those that stand', async () => {
  await using server = await startPostgres({
    settings: { max_connections: 8, superuser_reserved_connections: 2, fsync: 'off' },
  })
  const target = await addressOfApp(server.url)

  const pool = open(target, { minConnections: 0, maxConnections: 50, acquireTimeoutMs: 5_000 })
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, at) =>
      pool.query('select $1::int as at, pg_sleep(0.01)', [at]).then(({ rows }) => rows[0].at),
    ),
  )
  expect(answers).toEqual(Array.from({ length: 100 }, (_, at) => at))
  await pool.end()
})

test('a server that takes no connection from the first on says so', async () => {
  await using server = await startPostgres({
    settings: { max_connections: 3, superuser_reserved_connections: 1, fsync: 'off' },
  })
  const target = await addressOfApp(server.url)
  const others = [new pg.Client(target), new pg.Client(target)]
  for (const other of others) await other.connect().catch(() => {})

  const pool = open(target, { minConnections: 0, acquireTimeoutMs: 2_000 })
  await expect(pool.query('select 1')).rejects.toMatchObject({
    code: 'HOTPATH_POSTGRES_CONNECT_FAILED',
    message: expect.stringMatching(/too many clients|remaining connection slots/),
  })
  await pool.end()
  for (const other of others) await other.end().catch(() => {})
})

test('parameters that cannot be sent fail their own query and no other', async () => {
  const pool = open(url, { maxConnections: 1 })
  const circular: { self?: unknown } = {}
  circular.self = circular
  const bad = [
    pool.query('select $1::jsonb', [circular]),
    pool.query('select $1::text', [{ toPostgres: () => { throw new Error('no such form') } }]), // prettier-ignore
    pool.query('select $1::int', ['not a number']),
    pool.query('select $1::text', ['a zero \0 byte']),
    pool.query('select $1::int, $2::int', [1]),
    pool.query('select $1::int', [1, 2]),
    pool.query('select $1::int', 'no array' as unknown as unknown[]),
  ]
  const good = Array.from({ length: 20 }, (_, at) => pool.query('select $1::int as at', [at]))
  for (const answer of await Promise.allSettled(bad)) expect(answer.status).toBe('rejected')
  const rows = await Promise.all(good)
  expect(rows.map((result) => result.rows[0].at)).toEqual(good.map((_, at) => at))
  expect(pool.stats()).toMatchObject({ opened: 1, inFlight: 0, waiting: 0 })
})

test('a text of 100 MB is answered, or fails alone', async () => {
  const pool = open(url, { maxConnections: 2 })
  const long = pool.query(`select length('${'x'.repeat(100_000_000)}') as length`)
  const wrong = pool.query(`select '${'x'.repeat(100_000_000)}`)
  expect((await long).rows).toEqual([{ length: 100_000_000 }])
  await expect(wrong).rejects.toMatchObject({ code: '42601' })
  const { rows } = await pool.query('select 1 as one')
  expect(rows).toEqual([{ one: 1 }])
  expect(pool.stats()).toMatchObject({ inFlight: 0, waiting: 0 })
}, 60_000)

test('a value of 100 MB arrives whole', async () => {
  const pool = open(url, { maxConnections: 1 })
  const { rows } = await pool.query('select length($1::text) as length', ['x'.repeat(100_000_000)])
  expect(rows).toEqual([{ length: 100_000_000 }])
}, 60_000)
