import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { createTasks, sqliteEngine, type SqliteEngineOptions } from '../../src/tasks/index.ts'

const root = mkdtempSync(join(tmpdir(), 'hotpath-tasks-'))
const enqueueMain = new URL('./tasks-sqlite/enqueue-main.ts', import.meta.url).pathname
let files = 0
const newFile = () => join(root, `${++files}.db`)
let opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(opened.map((tasks) => tasks.close()))
  opened = []
})
afterAll(() => rmSync(root, { recursive: true }))

function create(options: SqliteEngineOptions) {
  const tasks = createTasks({ engine: sqliteEngine(options), drainTimeoutMs: 500 })
  opened.push(tasks)
  return tasks
}
const until = (isSo: () => unknown) => vi.waitUntil(isSo, { timeout: 20_000, interval: 5 })

describe('an acknowledgement', () => {
  test('holds after a SIGKILL and a torn write-ahead log', () => {
    const file = newFile()
    const { stdout } = spawnSync(process.execPath, [enqueueMain, file, '60', 'crash'], {
      encoding: 'utf8',
    })
    const ids = [...stdout.matchAll(/acknowledged (\S+)/g)].map(([, id]) => id)
    expect(ids).toHaveLength(60)
    // What the power may leave of a write that was not synced yet: any part of it.
    const torn = join(root, 'torn.db')
    for (const rest of [0, 1, 24, 100, 4_095]) {
      copyFileSync(file, torn)
      writeFileSync(
        `${torn}-wal`,
        Buffer.concat([readFileSync(`${file}-wal`), Buffer.alloc(rest, 0xa5)]),
      )
      const database = new DatabaseSync(torn)
      const stored = database.prepare('select id from hotpath_tasks').all()
      expect(new Set(stored.map(({ id }) => id))).toEqual(new Set(ids))
      database.close()
    }
  })
})

describe('the write-ahead log', () => {
  test('begins anew in the pauses, long before a commit would have to see to it', async () => {
    const file = newFile()
    const task = create({ file }).define('t', { run: () => {} })
    for (let n = 0; n < 200; n++) await task.enqueue(n)
    // 200 commits of three pages each, which SQLite would keep: it begins anew after 1,000 pages.
    expect(statSync(`${file}-wal`).size).toBeLessThan(100 * 3 * 4_096)
    const stored = new DatabaseSync(file).prepare('select count(*) as count from hotpath_tasks')
    expect(stored.get()).toEqual({ count: 200 })
  })
})

describe('a store in trouble', () => {
  test('a file that is no database is said so', async () => {
    const file = newFile()
    writeFileSync(file, 'not a database, whatever its name says. '.repeat(200))
    const task = create({ file }).define('t', { run: () => {} })
    await expect(task.enqueue(undefined)).rejects.toMatchObject({
      code: 'HOTPATH_TASKS_STORE_FAILED',
    })
    await expect(task.enqueue(undefined)).rejects.toThrow(/no SQLite database/)
  })

  test('a damaged file is said so', async () => {
    const file = newFile()
    const first = createTasks({ engine: sqliteEngine({ file }) })
    const before = first.define('t', { run: (input: string) => input })
    await Promise.all(Array.from({ length: 300 }, () => before.enqueue('x'.repeat(300))))
    await first.close()
    const bytes = readFileSync(file)
    bytes.fill(0xff, 4_096, bytes.length - 4_096)
    writeFileSync(file, bytes)
    const task = create({ file }).define('t', { run: (input: string) => input })
    const error: unknown = await task.enqueue('y').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'HOTPATH_TASKS_STORE_FAILED' })
    expect(String(error)).toMatch(/damaged/)
  })

  test('a folder that does not exist is said so, and works once it does', async () => {
    const folder = join(root, 'later')
    const task = create({ file: join(folder, 'tasks.db') }).define('t', { run: () => {} })
    await expect(task.enqueue(undefined)).rejects.toThrow(/cannot be opened or created/)
    expect(existsSync(folder)).toBe(false)
    mkdirSync(folder)
    expect((await task.enqueue(undefined)).isNew).toBe(true)
  })

  test('a file that another is about to make is waited for', async () => {
    const file = newFile()
    const other = new DatabaseSync(file)
    other.exec('begin immediate; create table of_another (x)')
    const task = create({ file }).define('t', { run: () => {} })
    const enqueued = task.enqueue(undefined)
    setTimeout(() => other.exec('commit'), 300)
    await expect(enqueued).resolves.toHaveProperty('isNew', true)
    other.close()
  })

  test('a lock that another holds for too long is said so', async () => {
    const file = newFile()
    const task = create({ file, lockTimeoutMs: 100 }).define('t', { run: () => {} })
    await task.enqueue(undefined)
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    await expect(task.enqueue(undefined)).rejects.toThrow(/another process held its lock/)
    other.exec('rollback')
    other.close()
    expect((await task.enqueue(undefined)).isNew).toBe(true)
  })
})

test('closing does not wait for a store that refuses what was done', async () => {
  const file = newFile()
  const options = { file, lockTimeoutMs: 100 }
  const tasks = createTasks({ engine: sqliteEngine(options), drainTimeoutMs: 300 })
  const release = Promise.withResolvers<void>()
  const task = tasks.define('t', { run: () => release.promise })
  await tasks.start()
  const { id } = await task.enqueue(undefined)
  await until(async () => (await task.status(id))?.state === 'processing')
  const other = new DatabaseSync(file)
  other.exec('begin immediate')
  release.resolve()
  await tasks.close()
  other.exec('rollback')
  other.close()
  const again = create(options)
  const next = again.define('t', { run: () => 'again' })
  await again.start()
  expect(await next.wait(id)).toMatchObject({ state: 'completed', result: 'again' })
})

describe('transactions', () => {
  test('a task enqueued in yours is there when you commit, and never if you roll back', async () => {
    const file = newFile()
    const tasks = create({ file })
    const task = tasks.define('t', { run: (input: string) => input })
    await tasks.start()
    const database = new DatabaseSync(file)
    await expect(task.enqueue('early', { transaction: database })).rejects.toThrow(
      /open transaction/,
    )
    database.exec('create table orders (n integer)')
    database.exec('begin immediate')
    database.exec('insert into orders values (1)')
    const { id: undone } = await task.enqueue('undone', { transaction: database })
    database.exec('rollback')
    expect(await task.status(undone)).toBeUndefined()
    database.exec('begin immediate')
    database.exec('insert into orders values (2)')
    const { id } = await task.enqueue('done', { transaction: database })
    expect(await task.status(id)).toBeUndefined()
    database.exec('commit')
    expect(await task.wait(id)).toMatchObject({ state: 'completed', result: 'done' })
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    database.exec('begin')
    await expect(task.enqueue('x', { transaction: database })).rejects.toThrow(
      /another process held its lock/,
    )
    other.close()
    database.exec('rollback; pragma max_page_count = 1; begin')
    const input = 'x'.repeat(100_000)
    await expect(task.enqueue(input, { transaction: database })).rejects.toMatchObject({
      code: 'HOTPATH_TASKS_STORE_FAILED',
      message: expect.stringContaining('the disk is full; nothing of this was stored'),
    })
    database.close()
    const elsewhere = new DatabaseSync(newFile())
    elsewhere.exec('begin')
    await expect(task.enqueue('x', { transaction: elsewhere })).rejects.toThrow(/share one file/)
    elsewhere.close()
  })

  test('effects of a transactional handler commit with its completion, or not at all', async () => {
    const file = newFile()
    const database = new DatabaseSync(file)
    database.exec('create table paid (invoice text primary key)')
    const tasks = create({ file })
    const pay = tasks.define('pay', {
      transactional: true,
      retries: 0,
      run: (invoice: string, { transaction }) => {
        transaction.run('insert into paid values (?)', invoice)
        if (invoice === 'bad') throw new Error('changed my mind')
        if (invoice === 'twice') transaction.run('insert into paid values (?)', invoice)
      },
    })
    await tasks.start()
    const { id: good } = await pay.enqueue('good')
    const { id: bad } = await pay.enqueue('bad')
    expect(await pay.wait(good)).toMatchObject({ state: 'completed' })
    expect(await pay.wait(bad)).toMatchObject({ state: 'failed' })
    const { id: twice } = await pay.enqueue('twice')
    await until(async () => {
      const status = await pay.status(twice)
      return status?.state === 'queued' && status.error?.message.includes('UNIQUE constraint')
    })
    expect(database.prepare('select * from paid').all()).toMatchObject([{ invoice: 'good' }])
    database.close()
  })
})
