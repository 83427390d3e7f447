import pg from 'pg'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  components,
  listen,
  requestContext,
  runInRequest,
  type HotpathEvents,
} from '../../src/index.ts'
import { createPool, type PoolOptions, type PostgresPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const pools: PostgresPool[] = []
const until = (isSo: () => boolean | Promise<boolean>) =>
  vi.waitUntil(isSo, { timeout: 10_000, interval: 5 })

function open(options: PoolOptions = {}): PostgresPool {
  const pool = createPool(url, options)
  pools.push(pool)
  return pool
}

beforeAll(async () => {
  const admin = new pg.Client(url)
  await admin.connect()
  await admin.query('create table users (id int primary key, name text not null)')
  await admin.query("insert into users select i, 'user ' || i from generate_series(1, 1000) i")
  await admin.end()
})

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})

describe('as pg.Pool', () => {
  test('text, values, config, row mode, several statements, callbacks: the same results', async () => {
    const ours = open()
    const theirs = new pg.Pool({ connectionString: url })
    const forms: ((pool: pg.Pool) => Promise<unknown>)[] = [
      (pool) => pool.query('select 1 as one'),
      (pool) => pool.query('select id, name from users where id = $1', [7]),
      (pool) => pool.query({ text: 'select id from users where id < $1 order by id', values: [4] }),
      (pool) => pool.query({ name: 'mine', text: 'select name from users where id = $1' }, [3]),
      (pool) => pool.query({ text: 'select id, name from users where id = 9', rowMode: 'array' }),
      (pool) => pool.query('select 1 as a; select 2 as b'),
      (pool) => pool.query('select $1::jsonb as j, $2::text[] as t', [{ a: 1 }, ['x', 'y']]),
      (pool) => pool.query('update users set name = name where id <= 5'),
      (pool) => pool.query(''),
      (pool) => promised((done) => pool.query('select 5 as five', done)),
      (pool) => promised((done) => pool.query('select $1::int as six', [6], done)),
    ]
    for (const form of forms) {
      const [actual, expected] = [await form(ours), await form(theirs)]
      expect(essence(actual)).toEqual(essence(expected))
    }
    await theirs.end()
  })

  test('connect gives a client that is released, with a promise and with a callback', async () => {
    const pool = open({ maxConnections: 1 })
    const client = await pool.connect()
    expect(pool.idleCount).toBe(0)
    client.release()
    expect(() => client.release()).toThrow(/already been released/)
    await new Promise<void>((resolve, reject) => {
      pool.connect((error, lent, release) => {
        expect(error).toBeUndefined()
        lent?.query('select 1').then(() => (release(), resolve()), reject)
      })
    })
    await until(() => pool.idleCount === 1)
  })

  test('a client released with an error is closed and replaced', async () => {
    const pool = open({ maxConnections: 1, minConnections: 0 })
    const client = await pool.connect()
    const before = await backendOf(client)
    client.release(new Error('broken'))
    const next = await pool.connect()
    expect(await backendOf(next)).not.toBe(before)
    next.release()
    expect(pool.stats().closed.released).toBe(1)
  })

  test('what a connect listener sends comes before everything else', async () => {
    const pool = open({ minConnections: 0, maxConnections: 3 })
    pool.on('connect', (client) => {
      void client.query("set application_name to 'first'")
      void client.query("set search_path to 'second'")
    })
    const lent = await Promise.all([1, 2].map(() => pool.connect()))
    for (const client of lent) {
      const { rows } = await client.query("select current_setting('search_path') as path")
      expect(rows).toEqual([{ path: 'second' }])
      client.release()
    }
    const { rows } = await pool.query("select current_setting('application_name') as name")
    expect(rows).toEqual([{ name: 'first' }])
  })

  test('counts and events', async () => {
    const pool = open({ maxConnections: 2, minConnections: 1 })
    const heard: string[] = []
    for (const event of ['connect', 'acquire', 'remove'] as const) {
      pool.on(event, () => heard.push(event))
    }
    pool.on('release', () => heard.push('release'))
    const client = await pool.connect()
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 0, 0])
    client.release()
    await until(() => pool.idleCount === 1)
    await pool.end()
    expect(heard).toEqual(['connect', 'acquire', 'release', 'remove'])
    expect([pool.ending, pool.ended, pool.totalCount]).toEqual([true, true, 0])
    await expect(pool.end()).rejects.toThrow('Called end on pool more than once')
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'HOTPATH_COMPONENT_CLOSED' })
    await expect(pool.connect()).rejects.toMatchObject({ code: 'HOTPATH_COMPONENT_CLOSED' })
  })
})

describe('errors in SQL', () => {
  test('keep their connection, and reach only their own caller', async () => {
    const pool = open({ maxConnections: 3, minConnections: 3 })
    await until(() => pool.idleCount === 3)
    const calls = Array.from({ length: 300 }, (_, i) =>
      i % 3 === 0
        ? pool.query("insert into users values (1, 'again')")
        : i % 3 === 1
          ? pool.query('select no_such_column')
          : pool.query('select $1::int as i', [i]),
    )
    for (const [i, outcome] of (await Promise.allSettled(calls)).entries()) {
      const code = i % 3 === 0 ? '23505' : '42703'
      if (i % 3 < 2) expect(outcome).toMatchObject({ status: 'rejected', reason: { code } })
      else expect(outcome).toMatchObject({ status: 'fulfilled', value: { rows: [{ i }] } })
    }
    expect(pool.stats()).toMatchObject({ opened: 3, errors: 200, queries: 300 })
  })

  test("carry the caller's stack", async () => {
    const pool = open()
    async function askForTrouble(): Promise<void> {
      await pool.query('select no_such_column')
    }
    await expect(askForTrouble()).rejects.toMatchObject({
      stack: expect.stringContaining('askForTrouble'),
    })
  })

  test('a parameter that cannot be encoded fails its own query, and the connection goes on', async () => {
    const pool = open({ maxConnections: 1 })
    const broken = {
      toPostgres: () => {
        throw new Error('not encodable')
      },
    }
    const calls = [1, broken, 2, broken, 3].map((value) =>
      pool.query('select $1::int as v', [value]),
    )
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    expect(outcomes[4]).toMatchObject({ value: { rows: [{ v: 3 }] } })
    expect(pool.stats().opened).toBeLessThanOrEqual(1)
  })

  test.each<[string, (pool: PostgresPool) => Promise<unknown>]>([
    ['transactions', (pool) => pool.query('begin')],
    ['no text', (pool) => pool.query({} as { text: string })],
    ['values that are no array', (pool) => pool.query('select $1', 'x' as unknown as [])],
  ])('%s are refused with a clear error', async (_, run) => {
    await expect(run(open())).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_INVALID' })
  })
})

describe('transactions', () => {
  test('an open one is rolled back before its connection is handed on', async () => {
    const pool = open({ maxConnections: 1 })
    for (const leave of ['begin', "insert into users values (5000, 'left')"]) {
      const client = await pool.connect()
      await client.query('begin')
      await client.query(leave)
      client.release()
      const next = await pool.connect()
      expect(next.getTransactionStatus()).toBe('I')
      next.release()
    }
    const failed = await pool.connect()
    await failed.query('begin')
    await failed.query('select no_such_column').catch(() => {})
    failed.release()
    // Nobody awaits this one: it must not open a transaction for whoever comes next.
    const careless = await pool.connect()
    void careless.query('begin')
    careless.release()
    const { rows } = await pool.query('select count(*)::int as n from users where id = 5000')
    expect(rows).toEqual([{ n: 0 }])
    const last = await pool.connect()
    expect(last.getTransactionStatus()).toBe('I')
    last.release()
    expect(pool.stats().opened).toBe(1)
  })

  test("no other caller's query ever lands in one", async () => {
    const pool = open({ maxConnections: 4 })
    await pool.query('create table if not exists ledger (n int)')
    const holders = Array.from({ length: 20 }, async (_, i) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await client.query('insert into ledger values ($1)', [i])
        const { rows } = await client.query('select count(*)::int as n from ledger')
        expect(rows).toEqual([{ n: 1 }])
        await client.query('rollback')
      } finally {
        client.release()
      }
    })
    const others = Array.from({ length: 400 }, async (_, i) => {
      if (i % 10 === 0) await pool.query("update users set name = 'same' where id = 2")
      const { rows } = await pool.query(
        'select count(*)::int as n, pg_current_xact_id_if_assigned()::text as xact from ledger',
      )
      expect(rows).toEqual([{ n: 0, xact: null }])
    })
    await Promise.all([...holders, ...others])
    await pool.query('drop table ledger')
  })

  test('a query text that leaves one open is told so', async () => {
    const pool = open({ maxConnections: 1 })
    await expect(pool.query('select 1; begin')).rejects.toMatchObject({
      code: 'HOTPATH_POSTGRES_QUERY_INVALID',
    })
    const client = await pool.connect()
    expect(client.getTransactionStatus()).toBe('I')
    client.release()
  })

  test('who holds a row lock is not blocked by those who wait for it', async () => {
    const pool = open({ maxConnections: 3 })
    const holder = await pool.connect()
    await holder.query('begin')
    await holder.query("update users set name = 'held' where id = 3")
    const blocked = pool.query("update users set name = 'waited' where id = 3")
    await until(async () => {
      const { rows } = await pool.query(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      )
      return rows.length === 1
    })
    for (let i = 0; i < 50; i++) await pool.query('select $1::int', [i])
    await holder.query('commit')
    holder.release()
    await blocked
    const { rows } = await pool.query('select name from users where id = 3')
    expect(rows).toEqual([{ name: 'waited' }])
  })
})

describe('sharing', () => {
  test('a slow query does not hold up the fast ones', async () => {
    const pool = open({ maxConnections: 4, minConnections: 4 })
    await until(() => pool.idleCount === 4)
    const order: string[] = []
    const slow = pool.query('select pg_sleep(0.5)').then(() => order.push('slow'))
    const fast = Array.from({ length: 200 }, (_, i) =>
      pool.query('select name from users where id = $1', [i + 1]).then(() => order.push('fast')),
    )
    await Promise.all([slow, ...fast])
    expect(order.indexOf('slow')).toBe(200)
  })

  test('a steady stream of reads does not starve what travels alone', async () => {
    const pool = open({ maxConnections: 2 })
    let isDone = false
    const reader = async (): Promise<void> => {
      while (!isDone) await pool.query('select name from users where id = $1', [1])
    }
    const readers = Array.from({ length: 40 }, reader)
    for (let i = 0; i < 20; i++) {
      const client = await pool.connect()
      client.release()
      await pool.query("update users set name = 'x' where id = 4")
    }
    isDone = true
    await Promise.all(readers)
  })

  test('answers go to whoever asked, whatever the order', async () => {
    const pool = open()
    const ids = Array.from({ length: 2_000 }, (_, i) => (i * 7_919) % 1_000)
    const answers = await Promise.all(
      ids.map((id) => pool.query('select $1::int as id, repeat($2, 50) as pad', [id, String(id)])),
    )
    expect(answers.map(({ rows }) => rows[0].id)).toEqual(ids)
    expect(pool.stats().opened).toBeLessThanOrEqual(10)
  })
})

describe('prepared statements', () => {
  test('come with the second use, stay within the bound, and are removed on the server', async () => {
    const pool = open({ maxConnections: 1, maxStatements: 3 })
    for (let text = 0; text < 12; text++) {
      for (let use = 0; use < 3; use++)
        await pool.query(`select ${text} as t, $1::int as use`, [use])
    }
    const { rows } = await pool.query('select count(*)::int as n from pg_prepared_statements')
    expect(rows[0].n).toBeGreaterThan(0)
    expect(rows[0].n).toBeLessThanOrEqual(4)
  })

  test('one that somebody deallocated is prepared again', async () => {
    const pool = open({ maxConnections: 1 })
    const ask = () => pool.query('select $1::int as v', [1])
    await ask()
    await ask()
    await pool.query('deallocate all')
    const answers = await Promise.all(Array.from({ length: 20 }, ask))
    expect(answers.every(({ rows }) => rows[0].v === 1)).toBe(true)
  })

  test('one whose result type a migration changed is prepared again', async () => {
    const pool = open({ maxConnections: 2 })
    await pool.query('create table shape (a int)')
    await pool.query('insert into shape values (1)')
    const ask = () => pool.query('select * from shape')
    await Promise.all(Array.from({ length: 20 }, ask))
    await pool.query("alter table shape add column b text default 'new'")
    const answers = await Promise.all(Array.from({ length: 20 }, ask))
    expect(answers.every(({ rows }) => rows[0].b === 'new')).toBe(true)
    await pool.query('drop table shape')
  })
})

describe('time limits and aborts', () => {
  test('a query that takes too long is cancelled on the server; its backend goes on', async () => {
    const pool = open({ maxConnections: 2, minConnections: 2, commandTimeoutMs: 50 })
    await until(() => pool.idleCount === 2)
    for (let i = 0; i < 10; i++) {
      await expect(pool.query('select pg_sleep(60)')).rejects.toMatchObject({
        code: 'HOTPATH_POSTGRES_QUERY_TIMEOUT',
      })
    }
    expect(await sleepersOn(pool)).toBe(0)
    expect(pool.stats()).toMatchObject({ opened: 2, cancels: 10 })
  })

  test('a limit of its own for one query, longer or none', async () => {
    const pool = open({ commandTimeoutMs: 20 })
    await pool.query({ text: 'select pg_sleep(0.1)', timeoutMs: 5_000 })
    await pool.query({ text: 'select pg_sleep(0.1)', timeoutMs: false })
    await expect(pool.query({ text: 'select 1', timeoutMs: 0 })).rejects.toMatchObject({
      code: 'HOTPATH_OPTION_INVALID',
    })
  })

  test("an abort rejects with the signal's reason and cancels on the server", async () => {
    const pool = open({ maxConnections: 1 })
    const stop = new AbortController()
    const write = pool.query({
      text: 'select pg_sleep(60) from users for update',
      signal: stop.signal,
    })
    await until(() => pool.stats().inFlight === 1)
    const reason = new Error('the client went away')
    stop.abort(reason)
    await expect(write).rejects.toBe(reason)
    expect(await sleepersOn(pool)).toBe(0)
    await expect(pool.query({ text: 'select 1', signal: stop.signal })).rejects.toBe(reason)
    expect(pool.stats().opened).toBe(1)
  })

  test('one that still waits for a connection is simply taken out', async () => {
    const pool = open({ maxConnections: 1 })
    const client = await pool.connect()
    const stop = new AbortController()
    const waiting = pool.query({ text: 'select 1', signal: stop.signal })
    await until(() => pool.waitingCount === 1)
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    expect(pool.waitingCount).toBe(0)
    client.release()
    expect(pool.stats().cancels).toBe(0)
  })
})

describe('bounds', () => {
  test('a wait for a connection ends with who is busy', async () => {
    const pool = open({ maxConnections: 1, acquireTimeoutMs: 300 })
    const client = await pool.connect()
    await expect(pool.query('select 1')).rejects.toMatchObject({
      code: 'HOTPATH_POSTGRES_POOL_EXHAUSTED',
      message: expect.stringMatching(/300 ms \(1 busy, 1 of them lent/),
    })
    await expect(pool.connect()).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_POOL_EXHAUSTED' })
    client.release()
    await pool.query('select 1')
    expect(pool.stats().acquireTimeouts).toBe(2)
  })

  test('how long others have waited is counted', async () => {
    const pool = open({ maxConnections: 1 })
    const first = await pool.connect()
    const next = pool.connect()
    await until(() => pool.waitingCount === 1)
    const before = pool.stats().waits.count
    const askedMs = performance.now()
    await until(() => performance.now() - askedMs > 20)
    first.release()
    ;(await next).release()
    const { count, sumMs, buckets } = pool.stats().waits
    expect(count).toBe(before + 1)
    expect(sumMs).toBeGreaterThan(20)
    expect(buckets.some((bucket) => bucket.count > 0 && bucket.atMostMs > 20)).toBe(true)
  })

  test('the waiting line has an end', async () => {
    const pool = open({ maxConnections: 1, maxWaiting: 2 })
    const client = await pool.connect()
    const waiting = [pool.query('select 1'), pool.query('select 1')]
    await expect(pool.query('select 1')).rejects.toMatchObject({
      code: 'HOTPATH_POSTGRES_POOL_EXHAUSTED',
      message: expect.stringContaining('already 2 waiting'),
    })
    client.release()
    await Promise.all(waiting)
  })

  test('minConnections stand before the first query and are kept', async () => {
    const pool = open({ minConnections: 3, maxConnections: 5, maxIdleMs: 40 })
    await until(() => pool.idleCount === 3)
    await Promise.all(Array.from({ length: 5 }, () => pool.query('select pg_sleep(0.02)')))
    await until(() => pool.totalCount === 3 && pool.stats().closed.idle > 0)
    const client = await pool.connect()
    client.release(true)
    await until(() => pool.idleCount === 3)
  })

  test('a connection is replaced after its number of queries, and after its lifetime', async () => {
    const busy = open({ minConnections: 0, maxConnections: 1, maxQueriesPerConnection: 10 })
    const backends = new Set<number>()
    for (let i = 0; i < 30; i++) {
      const { rows } = await busy.query('select pg_backend_pid() as pid')
      backends.add(rows[0].pid)
    }
    expect(backends.size).toBe(3)
    expect(busy.stats().closed.queries).toBe(3)
    const old = open({ minConnections: 1, maxLifetimeMs: 40 })
    await until(() => old.stats().closed.lifetime >= 2 && old.idleCount === 1)
  })
})

describe('trouble with connections', () => {
  test('a backend that is terminated costs its own query and nothing more', async () => {
    const pool = open({ minConnections: 2, maxConnections: 2 })
    const errors: Error[] = []
    pool.on('error', (error) => errors.push(error))
    const client = await pool.connect()
    const pid = await backendOf(client)
    client.release()
    await until(() => pool.idleCount === 2)
    await pool.query('select pg_terminate_backend($1)', [pid]).catch(() => {})
    await until(() => pool.stats().closed.lost >= 1 && pool.idleCount === 2)
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => pool.query('select $1::int as i', [i])),
    )
    expect(answers).toHaveLength(50)
    expect(errors.length).toBeGreaterThan(0)
  })

  test('a borrowed client that dies does not end the process, and is replaced', async () => {
    const pool = open({ minConnections: 0, maxConnections: 2 })
    const client = await pool.connect()
    const pid = await backendOf(client)
    await pool.query('select pg_terminate_backend($1)', [pid])
    await expect(client.query('select 1')).rejects.toThrow(/terminat|not queryable/i)
    client.release()
    await pool.query('select 1')
  })

  test.each([
    ['a wrong password', (target: URL) => (target.password = 'wrong'), /password/],
    ['a database that is not there', (target: URL) => (target.pathname = '/nowhere'), /nowhere/],
    ['a port where nobody listens', (target: URL) => (target.port = '1'), /ECONNREFUSED/],
  ])('%s: one clear error', async (_, spoil, message) => {
    const target = new URL(url)
    spoil(target)
    const pool = createPool(target.href)
    pools.push(pool)
    const calls = [pool.query('select 1'), pool.connect(), pool.query('select 2')]
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'HOTPATH_POSTGRES_CONNECT_FAILED',
          message: expect.stringMatching(message),
          cause: expect.any(Error),
        },
      })
    }
  })
})

describe('the end', () => {
  test('waits for what is under way and in line', async () => {
    const pool = open({ maxConnections: 1 })
    const client = await pool.connect()
    const inLine = [
      pool.query('select 1 as n'),
      pool.query('update users set name = name where id = 1'),
    ]
    const ended = pool.end()
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'HOTPATH_COMPONENT_CLOSED' })
    await client.query('select 1')
    client.release()
    await Promise.all([...inLine, ended])
    expect(pool.totalCount).toBe(0)
    expect(components().some(({ kind }) => kind === 'pool')).toBe(false)
  })

  test('cuts what takes longer than drainTimeoutMs', async () => {
    const pool = open({ maxConnections: 1, drainTimeoutMs: 50 })
    const slow = pool.query('select pg_sleep(60)')
    const inLine = pool.query('update users set name = name where id = 1')
    const outcomes = Promise.allSettled([slow, inLine])
    await until(() => pool.stats().inFlight === 1)
    await pool.end()
    const [first, second] = await outcomes
    expect(first.status).toBe('rejected')
    expect(second).toMatchObject({ reason: { code: 'HOTPATH_COMPONENT_CLOSED' } })
    expect(pool.ended).toBe(true)
    const other = open()
    await until(async () => (await sleepersOn(other)) === 0)
  })
})

describe('being heard', () => {
  test('queries and connections are announced', async () => {
    const heard: HotpathEvents['hotpath:postgres:query'][] = []
    const changes: string[] = []
    const stops = [
      listen('hotpath:postgres:query', (event) => heard.push(event)),
      listen('hotpath:postgres:connection', ({ change }) => changes.push(change)),
    ]
    const pool = open({ name: 'heard', minConnections: 0 })
    await pool.query('select 1 as one')
    await pool.query('select no_such_column').catch(() => {})
    await pool.end()
    for (const stop of stops) stop()
    expect(heard).toMatchObject([
      { pool: 'heard', text: 'select 1 as one', rowCount: 1, error: undefined },
      { pool: 'heard', text: 'select no_such_column', error: { code: '42703' } },
    ])
    expect(changes).toEqual(['opened', 'closed'])
  })

  test('a traced request gathers its queries with the place that asked', async () => {
    const pool = open()
    const trace = await runInRequest({ route: '/users', maxTraceEntries: 10 }, async () => {
      await pool.query('select name from users where id = $1', [1])
      return requestContext()?.trace
    })
    expect(trace?.entries).toMatchObject([
      { kind: 'query', text: 'select name from users where id = $1', values: [1], rowCount: 1 },
    ])
    const [entry] = trace?.entries ?? []
    expect(entry?.kind === 'query' && entry.site?.stack).toContain('postgres-pool.test')
  })
})

function promised(
  call: (done: (error: Error, result: pg.QueryResult) => void) => void,
): Promise<pg.QueryResult> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)))
  })
}

function essence(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(essence)
  const { rows, rowCount, command, fields } = result as pg.QueryResult
  return {
    rows,
    rowCount,
    command,
    fields: fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
  }
}

async function backendOf(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query('select pg_backend_pid() as pid')
  return rows[0].pid
}

async function sleepersOn(pool: PostgresPool): Promise<number> {
  const { rows } = await pool.query(
    `select count(*)::int as n from pg_stat_activity
      where state = 'active' and datname = current_database() and query like '%pg_sleep(60)%' and pid <> pg_backend_pid()`,
  )
  return rows[0].n
}
