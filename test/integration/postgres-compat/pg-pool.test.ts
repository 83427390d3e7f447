import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as elapse } from 'node:timers/promises'
import pg, { type Pool, type PoolClient } from 'pg'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createPool } from '../../../src/postgres/index.ts'
import { useDatabase } from '../../services.ts'

// The behaviours that node-postgres' own tests of its pool ask for, on its pool and on ours. Where the
// two differ on purpose, the guide says so and the tests at the end of this file show it.

const { url } = await useDatabase()
const until = (isSo: () => boolean) => vi.waitUntil(isSo, { timeout: 10_000, interval: 5 })

/** pg.Pool's own names; ours are translated. */
interface Limits {
  readonly max?: number
  readonly min?: number
  readonly maxUses?: number
  readonly idleTimeoutMillis?: number
  readonly connectionTimeoutMillis?: number
  readonly maxLifetimeSeconds?: number
}

function theirs(limits: Limits, config: pg.ClientConfig): Pool {
  return new pg.Pool({ ...config, ...limits })
}

function ours(limits: Limits, config: pg.ClientConfig): Pool {
  const { maxLifetimeSeconds: seconds } = limits
  return createPool(config, {
    maxConnections: limits.max,
    minConnections: limits.min ?? 0,
    maxQueriesPerConnection: limits.maxUses,
    maxIdleMs: limits.idleTimeoutMillis,
    acquireTimeoutMs: limits.connectionTimeoutMillis,
    maxLifetimeMs: seconds === undefined ? undefined : seconds * 1_000,
  })
}

const pools: Pool[] = []
afterEach(async () => {
  for (const pool of pools.splice(0)) if (!pool.ending) await pool.end()
})

/** What the callback forms give. */
interface Lent {
  readonly error: unknown
  readonly client: PoolClient | undefined
  readonly release: (fate?: Error | boolean) => void
}

const connectBack = (pool: Pool): Promise<Lent> =>
  new Promise((resolve) => {
    pool.connect((error, client, release) => resolve({ error, client, release }))
  })

/** Takes connections to a port and does this with them. */
async function listen(onSocket: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const config = { host: '127.0.0.1', port, user: 'any', password: 'any' }
  return { config, close: () => server.close() }
}

describe.each([
  ['pg.Pool', theirs],
  ['hotpath', ours],
])('%s', (_name, make) => {
  function open(limits: Limits = {}, config: pg.ClientConfig = { connectionString: url }): Pool {
    const pool = make(limits, config)
    pools.push(pool)
    return pool
  }

  describe('callbacks and promises', () => {
    test('callback forms return nothing and are never called at once', async () => {
      const pool = open()
      ;(await pool.connect()).release()
      let isCalled = false
      const returned: unknown[] = []
      const called = new Promise<void>((resolve) => {
        const connected = pool.connect((_error, _client, release) => {
          isCalled = true
          release()
          returned.push(pool.query('select 1', () => returned.push(pool.end(resolve))))
        })
        returned.push(connected)
      })
      expect(isCalled).toBe(false)
      await called
      expect(returned).toEqual([undefined, undefined, undefined])
    })

    test('a query without and with values; the config object stays as it was', async () => {
      const config = { connectionString: url }
      const pool = open({}, config)
      const one = await new Promise((resolve) =>
        pool.query('select 1 as num', (_error: Error, { rows }) => resolve(rows)),
      )
      const named = await new Promise((resolve) =>
        pool.query('select $1::text as name', ['hi'], (_error: Error, { rows }) => resolve(rows)),
      )
      expect([one, named]).toEqual([[{ num: 1 }], [{ name: 'hi' }]])
      expect(config).toEqual({ connectionString: url })
    })

    test('what is no query is an error for the callback', async () => {
      const pool = open() as unknown as { query(callback: (error: unknown) => void): void }
      const error = await new Promise((resolve) => pool.query(resolve))
      expect(error).toBeInstanceOf(Error)
    })

    test('settings go to the clients', async () => {
      const pool = open({}, { connectionString: url, application_name: 'compat' })
      const { rows } = await pool.query('show application_name')
      expect(rows).toEqual([{ application_name: 'compat' }])
    })

    test('thirty borrowers of nine connections', async () => {
      const pool = open({ max: 9 })
      const names = await Promise.all(
        Array.from({ length: 30 }, async () => {
          const client = await pool.connect()
          const { rows } = await client.query('select $1::text as name', ['hi'])
          client.release()
          return rows[0].name
        }),
      )
      expect(names).toEqual(Array.from({ length: 30 }, () => 'hi'))
      expect(pool.totalCount).toBe(9)
    })
  })

  describe('a server that is not there', () => {
    const nowhere = { host: '127.0.0.1', port: 1 }

    test('fails the query, and leaves no dead client behind', async () => {
      const pool = open({}, nowhere)
      const { error, result } = await new Promise<{ error: unknown; result: unknown }>((resolve) =>
        pool.query('select 1', (error: Error, result) => resolve({ error, result })),
      )
      expect(error).toBeInstanceOf(Error)
      expect(result).toBeUndefined()
      expect(pool.totalCount).toBe(0)
    })

    test('gives the callback of connect an error, no client and a function', async () => {
      const { error, client, release } = await connectBack(open({}, nowhere))
      expect(error).toBeInstanceOf(Error)
      expect(client).toBeUndefined()
      expect(release).toBeTypeOf('function')
    })

    test('makes no event connect', async () => {
      const pool = open({}, nowhere)
      const connected = vi.fn<() => void>()
      pool.on('connect', connected)
      await expect(pool.connect()).rejects.toThrow()
      expect(connected).not.toHaveBeenCalled()
    })
  })

  describe('a server that does not answer', () => {
    test('is given up after the time to connect, again and again', async () => {
      const deaf = await listen(() => {})
      const pool = open({ connectionTimeoutMillis: 20 }, deaf.config)
      for (let attempt = 0; attempt < 5; attempt++) await expect(pool.connect()).rejects.toThrow()
      const { error, client } = await connectBack(pool)
      expect([error instanceof Error, client, pool.idleCount]).toEqual([true, undefined, 0])
      await until(() => pool.totalCount === 0)
      await pool.end()
      deaf.close()
    })

    test('one that hangs up fails all that wait', async () => {
      const rude = await listen((socket) => socket.destroy())
      const pool = open({ max: 1 }, rude.config)
      const lent = await Promise.all([connectBack(pool), connectBack(pool)])
      for (const { error } of lent) expect(error).toBeInstanceOf(Error)
      rude.close()
    })
  })

  describe('waiting', () => {
    test('ends after the time to connect, for clients and queries, and others go on', async () => {
      const pool = open({ max: 1, connectionTimeoutMillis: 100 })
      const client = await pool.connect()
      await expect(pool.connect()).rejects.toThrow()
      await expect(pool.query('select 1')).rejects.toThrow()
      const next = pool.connect()
      expect(pool.waitingCount).toBe(1)
      client.release()
      const again = await next
      expect(again).toBe(client)
      again.release()
      expect((await pool.query('select 1 as num')).rows).toEqual([{ num: 1 }])
      expect(pool.waitingCount).toBe(0)
    })
  })

  describe('errors', () => {
    test('release throws from the second time on, in both forms', async () => {
      const pool = open()
      const client = await pool.connect()
      client.release()
      const { release } = await connectBack(pool)
      release()
      for (let time = 0; time < 2; time++) {
        expect(() => client.release()).toThrow(/already been released/)
        expect(() => release()).toThrow(/already been released/)
      }
    })

    test('a pool that has ended refuses everything, in both forms', async () => {
      const pool = open()
      const last = pool.query('select 1')
      await pool.end()
      await last
      await expect(pool.connect()).rejects.toThrow()
      await expect(pool.query('select 1')).rejects.toThrow()
      await expect(pool.end()).rejects.toThrow('more than once')
      expect((await connectBack(pool)).error).toBeInstanceOf(Error)
      const ended = await new Promise((resolve) => pool.end(resolve as () => void))
      expect(ended).toBeInstanceOf(Error)
    })

    test('many in a row, and the pool goes on', async () => {
      const pool = open({ max: 1 })
      const failed = Array.from({ length: 20 }, () => pool.query('invalid sql'))
      for (const query of failed) await expect(query).rejects.toMatchObject({ code: '42601' })
      expect((await pool.query('select 1 as num')).rows).toEqual([{ num: 1 }])
    })

    test('an idle client that breaks leaves the pool, which reports it with the client', async () => {
      const pool = open()
      const client = await pool.connect()
      client.release()
      const reported = once(pool, 'error')
      client.emit('error', new Error('on purpose'))
      const [error, broken] = await reported
      expect(error).toMatchObject({ message: 'on purpose', client })
      expect(broken).toBe(client)
      expect([pool.idleCount, pool.totalCount]).toEqual([0, 0])
    })

    test('a borrowed client that breaks is not reported by the pool', async () => {
      const pool = open()
      const reported = vi.fn<() => void>()
      pool.on('error', reported)
      const client = await pool.connect()
      const heard = once(client, 'error').catch((error: unknown) => [error])
      client.emit('error', new Error('on purpose'))
      expect(await heard).toMatchObject([{ message: 'on purpose' }])
      client.release(true)
      expect(reported).not.toHaveBeenCalled()
      await until(() => pool.totalCount === 0)
    })

    test('a client that is being ended when it is released is not lent again', async () => {
      const pool = open({ max: 1 })
      const ended = await pool.connect()
      void ended.end()
      ended.release()
      expect((await pool.query('select 1 as num')).rows).toEqual([{ num: 1 }])
    })

    test('a socket that closes in the background leaves the pool usable', async () => {
      const pool = open({ max: 1 })
      pool.on('error', () => {})
      const client = await pool.connect()
      client.release()
      client.connection.stream.end()
      await until(() => pool.totalCount === 0)
      for (let query = 0; query < 4; query++) await pool.query('select 1')
    })

    test('a query whose connection is cut fails', async () => {
      const pool = open({ max: 1 })
      pool.on('error', () => {})
      let client: PoolClient | undefined
      pool.on('connect', (connected) => (client = connected))
      await pool.query('select 1')
      const query = pool.query('select pg_sleep(5)')
      const failed = expect(query).rejects.toThrow()
      await elapse(20)
      client?.connection.stream.destroy()
      await failed
    })
  })

  describe('events', () => {
    test('connect before the client is there, and once for each connection', async () => {
      const pool = open()
      const connected: unknown[] = []
      pool.on('connect', (client) => connected.push(client))
      for (let time = 0; time < 3; time++) {
        const client = await pool.connect()
        expect(connected).toEqual([client])
        client.release()
      }
    })

    test('acquire and release for every borrower, release with the error', async () => {
      const pool = open()
      let acquired = 0
      const released: unknown[] = []
      pool.on('acquire', () => acquired++)
      pool.on('release', (error: unknown) => released.push(error))
      for (let time = 0; time < 3; time++) (await pool.connect()).release()
      const problem = new Error('problem')
      ;(await pool.connect()).release(problem)
      expect(acquired).toBe(4)
      expect(released.slice(0, 3).some((error) => error instanceof Error)).toBe(false)
      expect(released[3]).toBe(problem)
    })
  })

  describe('idle, old and used up', () => {
    test('idle clients go after their time, down to min', async () => {
      const pool = open({ max: 3, min: 1, idleTimeoutMillis: 20 })
      const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()])
      for (const client of clients) client.release()
      await until(() => pool.totalCount === 1)
      await elapse(50)
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
    })

    test('they go when another was released with an error, and are made again', async () => {
      const pool = open({ idleTimeoutMillis: 20 })
      const [one, other] = await Promise.all([pool.connect(), pool.connect()])
      one.release()
      other.release(new Error('broken'))
      await until(() => pool.totalCount === 0)
      expect((await pool.query('select 1 as num')).rows).toEqual([{ num: 1 }])
      await until(() => pool.totalCount === 0)
    })

    test('a client that is in use does not go', async () => {
      const pool = open({ idleTimeoutMillis: 1 })
      const client = await pool.connect()
      await elapse(20)
      expect((await client.query('select 1 as num')).rows).toEqual([{ num: 1 }])
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 0])
      client.release()
    })

    test('a lifetime ends idle clients, and busy ones when their work is done', async () => {
      const pool = open({ max: 1, maxLifetimeSeconds: 1 })
      const { rows } = await pool.query('select pg_sleep(1.2), 1 as num')
      expect(rows[0]?.num).toBe(1)
      await until(() => pool.totalCount === 0)
      expect(pool.expiredCount).toBe(0)
      await pool.query('select 1')
      expect(pool.totalCount).toBe(1)
      await until(() => pool.totalCount === 0)
    })

    test('maxUses: the client comes twice, and then another', async () => {
      const pool = open({ max: 1, maxUses: 2 })
      const seen: PoolClient[] = []
      for (let time = 0; time < 3; time++) {
        const client = await pool.connect()
        seen.push(client)
        client.release()
      }
      expect(seen[1]).toBe(seen[0])
      expect(seen[2]).not.toBe(seen[0])
    })
  })

  describe('the end', () => {
    test('of a pool that was never used, and of one with idle clients', async () => {
      await open().end()
      const pool = open()
      await pool.query('select 1')
      await new Promise<void>((resolve) => pool.end(resolve))
      expect([pool.ending, pool.ended, pool.totalCount]).toEqual([true, true, 0])
    })

    test('lets a query under way finish', async () => {
      const pool = open()
      const query = pool.query('select pg_sleep(0.05), $1::text as name', ['hi'])
      await elapse(20)
      await pool.end()
      expect((await query).rows[0]?.name).toBe('hi')
    })
  })
})

describe('where we differ', () => {
  function open(limits: Limits = {}): Pool {
    const pool = ours(limits, { connectionString: url })
    pools.push(pool)
    return pool
  }

  test('an SQL error keeps its connection', async () => {
    const pool = open({ max: 1 })
    await expect(pool.query('invalid sql')).rejects.toThrow()
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
  })

  test('a borrowed client that breaks is gone at once, not when it is released', async () => {
    const pool = open()
    const client = await pool.connect()
    client.on('error', () => {})
    client.emit('error', new Error('on purpose'))
    expect(pool.totalCount).toBe(0)
    client.release()
  })

  test('a client that is cut off when it is released is not lent again', async () => {
    const pool = open({ max: 1 })
    const cut = await pool.connect()
    cut.on('error', () => {})
    cut.connection.stream.destroy()
    cut.release()
    expect((await pool.query('select 1 as num')).rows).toEqual([{ num: 1 }])
  })

  test('pool.query borrows nobody: it makes no event acquire or release', async () => {
    const pool = open()
    const heard = vi.fn<() => void>()
    pool.on('acquire', heard).on('release', heard)
    await pool.query('select 1')
    expect(heard).not.toHaveBeenCalled()
  })

  test('below minConnections what was used up is replaced', async () => {
    const pool = open({ max: 2, min: 2, maxUses: 1 })
    await until(() => pool.idleCount === 2)
    const client = await pool.connect()
    client.release()
    await until(() => pool.idleCount === 2)
    expect(await pool.connect().then((next) => (next.release(), next))).not.toBe(client)
  })

  test('a transaction left open is rolled back, and its client kept', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    await client.query('begin')
    await expect(client.query('invalid sql')).rejects.toThrow()
    client.release()
    const again = await pool.connect()
    expect(again).toBe(client)
    expect((await again.query('select 1 as num')).rows).toEqual([{ num: 1 }])
    again.release()
  })

  test('what listens for connect is waited for; a query of it that fails is its own business', async () => {
    const pool = open({ max: 1 })
    pool.on('connect', (client) => {
      void client.query("set application_name = 'prepared'")
      client.query('invalid sql').catch(() => {})
    })
    const { rows } = await pool.query('show application_name')
    expect(rows).toEqual([{ application_name: 'prepared' }])
  })

  test.each(['onConnect', 'verify', 'allowExitOnIdle', 'Client', 'maxPipeline', 'max'])(
    'the option %s is refused, with what to use instead',
    (name) => {
      expect(() => createPool({ connectionString: url, [name]: 1 })).toThrow(
        expect.objectContaining({ code: 'HOTPATH_OPTION_INVALID' }),
      )
    },
  )
})
