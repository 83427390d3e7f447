import { startPostgres } from '@hotpath/services'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createPool, sql, type PoolOptions, type PostgresPool } from '../../src/postgres/index.ts'

// A server of its own: one test freezes it.
const postgres = await startPostgres({ settings: { fsync: 'off' } })
const until = (isSo: () => boolean | Promise<boolean>) =>
  vi.waitUntil(isSo, { timeout: 10_000, interval: 5 })
const admin = new pg.Client(postgres.url)
admin.on('error', () => {})
let pool: PostgresPool

function open(options: PoolOptions = {}): PostgresPool {
  pool = createPool(postgres.url, { maxConnections: 8, ...options })
  return pool
}

async function balances(): Promise<number[]> {
  const { rows } = await admin.query<{ balance: number }>(
    'select balance from accounts order by id',
  )
  return rows.map(({ balance }) => balance)
}

/** No transaction is open, and no query runs, on any connection but the one that asks. */
async function allIsQuiet(): Promise<boolean> {
  const { rows } = await admin.query(
    `select from pg_stat_activity where state <> 'idle' and backend_type = 'client backend'
       and pid <> pg_backend_pid()`,
  )
  return rows.length === 0
}

/** The process that runs such a query, once there is one. */
async function backendIn(query: RegExp): Promise<number> {
  let pid = 0
  await until(async () => {
    const { rows } = await admin.query<{ pid: number; query: string }>(
      `select pid, query from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()`,
    )
    pid = rows.find((row) => query.test(row.query))?.pid ?? 0
    return pid !== 0
  })
  return pid
}

beforeAll(async () => {
  await admin.connect()
  await admin.query('create table accounts (id int primary key, balance int not null)')
})

beforeEach(() => admin.query('truncate accounts; insert into accounts values (1, 100), (2, 100)'))

afterEach(async () => {
  await postgres.thaw()
  await until(() => pool.stats().lent === 0)
  await until(allIsQuiet)
  await pool.close()
})

afterAll(async () => {
  await admin.end()
  await postgres.close()
})

describe('a transaction', () => {
  test('commits what its work did, and gives back its result', async () => {
    open()
    const result = await pool.transaction(async (tx) => {
      await tx.query('update accounts set balance = balance - $1 where id = 1', [10])
      await tx.query({ text: 'update accounts set balance = balance + 10 where id = 2' })
      const { rows } = await tx.query(sql<{ sum: number }>`
        select sum(balance)::int as sum from accounts where id in (${sql.list([1, 2])})`)
      return rows[0]?.sum
    })
    expect(result).toBe(200)
    expect(await balances()).toEqual([90, 110])
  })

  test('is rolled back when its work rejects, and its connection goes on', async () => {
    open({ maxConnections: 1 })
    const refused = new Error('no')
    const work = pool.transaction(async (tx) => {
      await tx.query('update accounts set balance = 0')
      throw refused
    })
    await expect(work).rejects.toBe(refused)
    expect(await balances()).toEqual([100, 100])
    await pool.query('select 1')
    expect(pool.stats().opened).toBe(1)
  })

  test('has the isolation and the mode it was asked for', async () => {
    open()
    const show = () =>
      pool.transaction(
        async (tx) =>
          (
            await tx.query(`select current_setting('transaction_isolation') as isolation,
              current_setting('transaction_read_only') as read_only`)
          ).rows[0],
        { isolation: 'serializable', readOnly: true },
      )
    expect(await show()).toEqual({ isolation: 'serializable', read_only: 'on' })
    const options = { isolation: 'serializable; drop table accounts' }
    await expect(pool.transaction(async () => {}, options as never)).rejects.toMatchObject({
      code: 'HOTPATH_OPTION_INVALID',
    })
  })

  test('fails with a query that failed, also when the work caught it or never awaited it', async () => {
    open({ maxConnections: 1 })
    const caught = pool.transaction(async (tx) => {
      await tx.query('update accounts set balance = 0')
      await tx.query('select no_such_column').catch(() => {})
    })
    await expect(caught).rejects.toMatchObject({ code: '42703' })
    const notAwaited = pool.transaction(async (tx) => {
      void tx.query('update accounts set balance = 0')
      void tx.query('select no_such_column')
    })
    await expect(notAwaited).rejects.toMatchObject({ code: '42703' })
    expect(await balances()).toEqual([100, 100])
    expect(pool.stats().opened).toBe(1)
  })

  test('waits for a query that its work did not await, and commits it', async () => {
    open()
    await pool.transaction(async (tx) => {
      void tx.query('select pg_sleep(0.05)')
      void tx.query('update accounts set balance = 7 where id = 1')
    })
    expect(await balances()).toEqual([7, 100])
  })

  test('does not wait for a query that its work left running when it rejected', async () => {
    open()
    const work = pool.transaction(async (tx) => {
      void tx.query('select pg_sleep(60)').catch(() => {})
      void tx.query('update accounts set balance = 7').catch(() => {})
      await backendIn(/pg_sleep/)
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await balances()).toEqual([100, 100])
  })

  test('takes nothing after its end, and nothing that would end it', async () => {
    open()
    const tx = await pool.transaction(async (own) => {
      for (const text of ['commit', 'ROLLBACK', 'begin', 'savepoint a']) {
        await expect(own.query(text)).rejects.toMatchObject({
          code: 'HOTPATH_POSTGRES_QUERY_INVALID',
        })
      }
      return own
    })
    for (const late of [() => tx.query('select 1'), () => tx.transaction(async () => {})]) {
      await expect(late()).rejects.toMatchObject({
        code: 'HOTPATH_POSTGRES_QUERY_INVALID',
        message: expect.stringContaining('has ended'),
      })
    }
    const hidden = pool.transaction((own) => own.query('select 1; commit; select 2'))
    await expect(hidden).rejects.toThrow(/has ended it/)
  })
})

describe('a transaction in a transaction', () => {
  test('is undone alone, at any depth', async () => {
    open()
    await pool.transaction(async (tx) => {
      await tx.query('update accounts set balance = 1 where id = 1')
      await tx.transaction(async (inner) => {
        await inner.query('update accounts set balance = 2 where id = 2')
        const innermost = inner.transaction(async (own) => {
          await own.query('update accounts set balance = 3')
          await own.query('select no_such_column')
        })
        await expect(innermost).rejects.toMatchObject({ code: '42703' })
      })
      const undone = tx.transaction(async (inner) => {
        await inner.query('update accounts set balance = 4')
        throw new Error('no')
      })
      await expect(undone).rejects.toThrow('no')
    })
    expect(await balances()).toEqual([1, 2])
  })

  test('has the floor until it is done', async () => {
    open()
    const work = pool.transaction((tx) =>
      tx.transaction(async () => {
        await tx.query('update accounts set balance = 5')
      }),
    )
    await expect(work).rejects.toThrow(/use its tx/)
    const notAwaited = pool.transaction(async (tx) => {
      tx.transaction((inner) => inner.query('select pg_sleep(0.05)')).catch(() => {})
    })
    await expect(notAwaited).rejects.toThrow(/not awaited/)
  })
})

describe('is done again', () => {
  test('after a serialization failure, until eight at a time have all counted', async () => {
    open()
    let runs = 0
    const add = () =>
      pool.transaction(
        async (tx) => {
          runs++
          const { rows } = await tx.query<{ balance: number }>(
            'select balance from accounts where id = 1',
          )
          await tx.query('update accounts set balance = $1 where id = 1', [
            (rows[0]?.balance ?? 0) + 1,
          ])
        },
        { isolation: 'serializable', retries: 100 },
      )
    await Promise.all(Array.from({ length: 8 }, () => add().then(add)))
    expect(await balances()).toEqual([116, 100])
    expect(runs).toBeGreaterThan(16)
    expect(pool.stats().opened).toBeLessThanOrEqual(8)
  })

  test('after a deadlock', async () => {
    open()
    let runs = 0
    const both = Promise.withResolvers<void>()
    const swap = (first: number, second: number) =>
      pool.transaction(async (tx) => {
        await tx.query(sql`update accounts set balance = balance + 1 where id = ${first}`)
        if (++runs === 2) both.resolve()
        await both.promise
        await tx.query(sql`update accounts set balance = balance + 1 where id = ${second}`)
      })
    await Promise.all([swap(1, 2), swap(2, 1)])
    expect(await balances()).toEqual([102, 102])
    expect(runs).toBe(3)
  })

  test('as often as it may, and for no other reason', async () => {
    open()
    let runs = 0
    const fail = (code: string) =>
      pool.transaction(
        async (tx) => {
          runs++
          await tx.query(`do $$ begin raise sqlstate '${code}'; end $$`)
        },
        { retries: 2 },
      )
    await expect(fail('40001')).rejects.toMatchObject({ code: '40001' })
    expect(runs).toBe(3)
    await expect(fail('23505')).rejects.toMatchObject({ code: '23505' })
    expect(runs).toBe(4)
  })
})

describe('when it is stopped', () => {
  test.each(['signal', 'time'])('by its %s, the server stops too', async (by) => {
    open({ maxConnections: 1 })
    const stop = new AbortController()
    const reason = new Error('gone')
    const work = pool.transaction(
      async (tx) => {
        await tx.query('update accounts set balance = 0')
        await tx.query('select pg_sleep(60)')
      },
      by === 'signal' ? { signal: stop.signal } : { timeoutMs: 200 },
    )
    const rejected = expect(work).rejects.toMatchObject(
      by === 'signal' ? reason : { code: 'HOTPATH_POSTGRES_QUERY_TIMEOUT' },
    )
    await backendIn(/pg_sleep/)
    stop.abort(reason)
    await rejected
    await until(allIsQuiet)
    expect(await balances()).toEqual([100, 100])
    await pool.query('select 1')
    expect(pool.stats().opened).toBe(1)
  })

  test('while it waits for a connection, the connection is not lost', async () => {
    open({ maxConnections: 1 })
    const client = await pool.connect()
    const work = pool.transaction(async () => {}, { timeoutMs: 20 })
    await expect(work).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_TIMEOUT' })
    client.release()
    await pool.transaction((tx) => tx.query('select 1'))
  })

  test('while the work waits for something else, the transaction ends', async () => {
    open()
    const stop = new AbortController()
    const work = pool.transaction(
      async (tx) => {
        await tx.query('update accounts set balance = 0')
        stop.abort(new Error('gone'))
        await new Promise<never>(() => {})
      },
      { signal: stop.signal },
    )
    await expect(work).rejects.toThrow('gone')
    await until(allIsQuiet)
  })
})

describe('when the connection breaks', () => {
  // A deferred trigger runs within COMMIT, and holds it up.
  beforeAll(() =>
    admin.query(`
      create function dawdle() returns trigger language plpgsql as $$
        begin perform pg_sleep(60); return null; end $$;
      create constraint trigger slow_commit after update on accounts
        deferrable initially deferred for each row when (new.balance = -1)
        execute function dawdle()`),
  )

  test('before COMMIT, nothing has happened and the error is that of the connection', async () => {
    open({ maxConnections: 1 })
    let runs = 0
    const work = pool.transaction(async (tx) => {
      runs++
      await tx.query('update accounts set balance = 0')
      await tx.query('select pg_sleep(60)')
    })
    const rejected = expect(work).rejects.toMatchObject({ code: '57P01' })
    await admin.query('select pg_terminate_backend($1)', [await backendIn(/pg_sleep/)])
    await rejected
    expect(await balances()).toEqual([100, 100])
    expect(runs).toBe(1)
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  test('during COMMIT, the outcome is unknown, and it is not done again', async () => {
    open({ maxConnections: 1 })
    let runs = 0
    let pid = 0
    const work = pool.transaction(async (tx) => {
      runs++
      pid = (await tx.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0
      await tx.query('update accounts set balance = -1 where id = 1')
    })
    const rejected = expect(work).rejects.toMatchObject({
      code: 'HOTPATH_POSTGRES_OUTCOME_UNKNOWN',
      cause: expect.objectContaining({ code: '57P01' }),
    })
    await admin.query('select pg_terminate_backend($1)', [await backendIn(/^COMMIT/)])
    await rejected
    expect(runs).toBe(1)
    const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid')
    expect(rows[0]?.pid).not.toBe(pid)
  })

  test('a server that freezes during COMMIT does not hold up its caller', async () => {
    open({ maxConnections: 1 })
    const work = pool.transaction(
      (tx) => tx.query('update accounts set balance = -1 where id = 1'),
      { timeoutMs: 500 },
    )
    const rejected = expect(work).rejects.toMatchObject({
      code: 'HOTPATH_POSTGRES_OUTCOME_UNKNOWN',
      cause: expect.objectContaining({ code: 'HOTPATH_POSTGRES_QUERY_TIMEOUT' }),
    })
    const pid = await backendIn(/^COMMIT/)
    await postgres.freeze()
    await rejected
    await postgres.thaw()
    await admin.query('select pg_terminate_backend($1)', [pid])
  })
})
