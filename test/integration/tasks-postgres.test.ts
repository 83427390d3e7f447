import { beforeAll, afterAll, expect, test } from 'vitest'
import { createPool, type PostgresPool } from '../../src/postgres/index.ts'
import { createTasks, postgresEngine } from '../../src/tasks/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
let pool: PostgresPool

beforeAll(async () => {
  pool = createPool(url)
  await pool.query('create table effect (task text)')
})
afterAll(() => pool.close())

function openTasks() {
  return createTasks({ engine: postgresEngine({ pool, leaseMs: 1_000, pollMs: 50 }) })
}

test('a task is stored when the transaction of its caller commits, and not when it rolls back', async () => {
  await using tasks = openTasks()
  const greet = tasks.define('greet', { run: (name: string) => `Hello ${name}` })
  const rolledBack = pool.transaction(async (transaction) => {
    const { id } = await greet.enqueue('Ada', { transaction })
    throw new Error(id)
  })
  const { message: lostId } = await rolledBack.catch((error: Error) => error)
  const keptId = await pool.transaction(async (transaction) => {
    const { id } = await greet.enqueue('Grace', { transaction })
    expect(await greet.status(id)).toBeUndefined()
    return id
  })
  await tasks.start()
  expect(await greet.wait(keptId)).toMatchObject({ state: 'completed', result: 'Hello Grace' })
  expect(await greet.status(lostId)).toBeUndefined()
})

test('what a transactional handler wrote is there with the completion, and gone with a failure', async () => {
  await using tasks = openTasks()
  const write = tasks.define('write', {
    transactional: true,
    concurrency: 4,
    retries: 1,
    backoff: { firstMs: 1 },
    run: async (isWell: boolean, { transaction, attempt }) => {
      await transaction.query('insert into effect values ($1)', [`${isWell} ${attempt}`])
      if (!isWell && attempt === 1) throw new Error('unwell')
    },
  })
  await tasks.start()
  const ids = [await write.enqueue(true), await write.enqueue(false)]
  for (const { id } of ids) expect(await write.wait(id)).toMatchObject({ state: 'completed' })
  const { rows } = await pool.query('select task from effect order by task')
  expect(rows).toEqual([{ task: 'false 2' }, { task: 'true 1' }])
})

test('a transaction ends with its attempt, whatever the handler still does in it', async () => {
  await using tasks = createTasks({ engine: postgresEngine({ pool }) })
  const late = Promise.withResolvers<unknown>()
  const task = tasks.define('deaf', {
    transactional: true,
    timeoutMs: 300,
    retries: 0,
    concurrency: 1,
    run: async (_: null, { transaction }) => {
      await transaction.query('select pg_sleep(1.5)').catch(() => {})
      await transaction.query('insert into effects values (99)').catch(late.resolve)
    },
  })
  await tasks.start()
  const { id } = await task.enqueue(null)
  expect(await task.wait(id, { timeoutMs: 1_200 })).toMatchObject({
    state: 'failed',
    error: { code: 'HOTPATH_TASKS_TIMEOUT' },
  })
  expect(await late.promise).toMatchObject({ code: 'HOTPATH_TASKS_LEASE_LOST' })
})

test('transactional tasks that would leave the pool no connection are refused at the start', async () => {
  await using tasks = createTasks({ engine: postgresEngine({ pool }) })
  for (const name of ['one', 'two']) {
    tasks.define(name, { transactional: true, concurrency: 5, run: () => {} })
  }
  await expect(tasks.start()).rejects.toMatchObject({
    code: 'HOTPATH_OPTION_INVALID',
    message: expect.stringContaining('hold up to 10 connections at a time, and the pool has 10'),
  })
})
