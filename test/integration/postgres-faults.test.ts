import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { startPostgres } from '@hotpath/services'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { createPool, type PoolOptions, type PostgresPool } from '../../src/postgres/index.ts'

// A server of its own: these tests kill it and freeze it.
const postgres = await startPostgres({ settings: { fsync: 'off' } })
const until = (isSo: () => boolean | Promise<boolean>) =>
  vi.waitUntil(isSo, { timeout: 15_000, interval: 5 })
let pool: PostgresPool

function open(options: PoolOptions = {}): PostgresPool {
  pool = createPool(postgres.url, { minConnections: 3, maxConnections: 3, ...options })
  return pool
}

afterEach(async () => {
  await postgres.thaw()
  await pool.close()
})

afterAll(() => postgres.close())

test('the server is killed and comes back: who asks meanwhile waits and is served', async () => {
  open({ acquireTimeoutMs: 20_000 })
  await until(() => pool.idleCount === 3)
  for (let round = 0; round < 3; round++) {
    const underWay = pool.query('select pg_sleep(60)')
    const lost = expect(underWay).rejects.toThrow(/terminat|ECONNRESET|closed/i)
    await postgres.kill()
    await lost
    await until(() => pool.stats().connections === 0)
    const asked = Array.from({ length: 20 }, (_, i) => pool.query('select $1::int as i', [i]))
    await postgres.restart()
    const answers = await Promise.all(asked)
    expect(answers.map(({ rows }) => rows[0].i)).toEqual([...asked.keys()])
    await until(() => pool.idleCount === 3)
  }
  expect(pool.stats()).toMatchObject({ waiting: 0, inFlight: 0, connections: 3 })
})

test('the server stays away: whoever waits is told why in his time', async () => {
  open({ acquireTimeoutMs: 600 })
  await pool.query('select 1')
  await postgres.kill()
  await until(() => pool.stats().connections === 0)
  await expect(pool.query('select 1')).rejects.toMatchObject({
    code: 'HOTPATH_POSTGRES_CONNECT_FAILED',
    message: expect.stringContaining('ECONNREFUSED'),
  })
  await postgres.restart()
  await until(() => pool.idleCount === 3)
  await pool.query('select 1')
})

test('the server freezes: nobody waits longer than his limit, and all is well after the thaw', async () => {
  open({ commandTimeoutMs: 100, acquireTimeoutMs: 300 })
  await pool.query('create table if not exists notes (id int)')
  await until(() => pool.idleCount === 3)
  await postgres.freeze()
  const [write, ...others] = await Promise.allSettled([
    pool.query('insert into notes values (1)'),
    pool.query('select 1'),
    pool.query('select 2'),
    pool.query('select 3'),
    pool.connect(),
  ])
  // The write was sent and the server said nothing: whether it has an effect is not known.
  expect(write).toMatchObject({ reason: { code: 'HOTPATH_POSTGRES_OUTCOME_UNKNOWN' } })
  for (const outcome of others) {
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: {
        code: expect.stringMatching(
          /^HOTPATH_POSTGRES_(OUTCOME_UNKNOWN|POOL_EXHAUSTED|CONNECT_FAILED)$/,
        ),
      },
    })
  }
  await postgres.thaw()
  await until(async () => {
    const answer = await pool.query('select 1 as one').catch(() => undefined)
    return answer?.rows[0].one === 1
  })
  await until(() => pool.idleCount === 3)
})

test('the end comes while the server is frozen', async () => {
  open({ drainTimeoutMs: 100 })
  await until(() => pool.idleCount === 3)
  await postgres.freeze()
  const stuck = pool.query('select 1')
  const outcome = expect(stuck).rejects.toThrow()
  await pool.end()
  await outcome
  expect(pool.ended).toBe(true)
})

test('a cancel that comes before the server has begun with the query is sent again', async () => {
  await using road = await openRoad(postgres.port)
  pool = createPool(road.url, { minConnections: 1, maxConnections: 1 })
  const { rows: before } = await pool.query('select pg_backend_pid() as pid')

  road.hold()
  const cancelled = expect(
    pool.query({ text: 'select pg_sleep(60)', timeoutMs: 20 }),
  ).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_TIMEOUT' })
  await until(() => road.endedCount === 1)
  road.release()
  await cancelled
  const { rows: after } = await pool.query('select pg_backend_pid() as pid')
  expect(after).toEqual(before)
})

test('a connection that was idle for long and does not answer is replaced, not lent', async () => {
  await using road = await openRoad(postgres.port)
  pool = createPool(road.url, {
    minConnections: 1,
    maxConnections: 1,
    checkAfterIdleMs: 50,
    // Neither of these ends the check: it has a deadline of its own.
    acquireTimeoutMs: 600_000,
    commandTimeoutMs: false,
  })
  await until(() => pool.idleCount === 1)
  const soon = performance.now() + 60
  await until(() => performance.now() > soon)
  road.hold()
  const client = await pool.connect()
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  client.release()
  expect(pool.stats()).toMatchObject({ opened: 2, closed: { unresponsive: 1 } })
})

test('when one connection breaks, the others are asked before they are used', async () => {
  await using road = await openRoad(postgres.port)
  pool = createPool(road.url, { minConnections: 3, maxConnections: 3, checkAfterIdleMs: 60_000 })
  await until(() => pool.idleCount === 3)
  const { rows } = await pool.query('select pg_backend_pid() as pid')
  road.hold()
  await using other = createPool(postgres.url)
  await other.query('select pg_terminate_backend($1)', [rows[0].pid])
  await until(() => pool.stats().closed.lost === 1)
  const answers = await Promise.all([1, 2, 3].map((i) => pool.query('select $1::int as i', [i])))
  expect(answers.map(({ rows: [row] }) => row.i)).toEqual([1, 2, 3])
  expect(pool.stats().errors).toBe(0)
})

// A way to the server on which the connections that stand can be held up.
async function openRoad(toPort: number) {
  const travellers = new Set<Socket>()
  let endedCount = 0
  const server = createServer((traveller) => {
    const onward = connect(toPort, '127.0.0.1')
    travellers.add(traveller)
    traveller.on('error', () => onward.destroy()).pipe(onward)
    onward.on('error', () => traveller.destroy()).pipe(traveller)
    onward.on('close', () => {
      endedCount++
      travellers.delete(traveller)
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const url = new URL(postgres.url)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    get endedCount() {
      return endedCount
    },
    hold: () => travellers.forEach((traveller) => traveller.pause()),
    release: () => travellers.forEach((traveller) => traveller.resume()),
    async [Symbol.asyncDispose]() {
      await pool.close()
      server.close()
    },
  }
}

test('what a client refuses to send, knowing that its connection is broken, goes to another', async () => {
  open({ minConnections: 0, maxConnections: 1 })
  const clients: object[] = []
  pool.on('connect', (client) => clients.push(client))
  await pool.query('create table told (n int)')
  // As pg leaves a client between an error of its socket and its telling.
  for (const client of clients) Object.assign(client, { _queryable: false })
  await pool.query('insert into told values (1)')
  expect((await pool.query('select n from told')).rows).toEqual([{ n: 1 }])
  expect(pool.stats().closed.lost).toBe(1)
})
