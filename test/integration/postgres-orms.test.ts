import { drizzle } from 'drizzle-orm/node-postgres'
import { eq, sql } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect, type Generated } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const pool = createPool(url, { maxConnections: 4 })

beforeAll(async () => {
  await pool.query(
    'create table people (id int generated always as identity primary key, name text not null unique)',
  )
})

afterAll(() => pool.end())

describe('Kysely', () => {
  const db = new Kysely<{ people: { id: Generated<number>; name: string } }>({
    dialect: new PostgresDialect({ pool }),
  })

  test('inserts, selects, updates and deletes', async () => {
    const { id } = await db
      .insertInto('people')
      .values({ name: 'Ada' })
      .returning('id')
      .executeTakeFirstOrThrow()
    const found = db.selectFrom('people').select('name').where('id', '=', id)
    expect(await found.executeTakeFirst()).toEqual({ name: 'Ada' })
    const { numUpdatedRows } = await db
      .updateTable('people')
      .set({ name: 'Grace' })
      .where('id', '=', id)
      .executeTakeFirst()
    expect(numUpdatedRows).toBe(1n)
    expect(await found.executeTakeFirst()).toEqual({ name: 'Grace' })
    await db.deleteFrom('people').where('id', '=', id).execute()
    expect(await found.executeTakeFirst()).toBeUndefined()
  })

  test('commits and rolls back, many at a time', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) =>
        db.transaction().execute(async (trx) => {
          await trx
            .insertInto('people')
            .values({ name: `kysely ${i}` })
            .execute()
          if (i % 2 === 1) throw new Error('rolled back')
        }),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(15)
    const rows = await db
      .selectFrom('people')
      .select('name')
      .where('name', 'like', 'kysely%')
      .execute()
    expect(rows).toHaveLength(15)
    expect(pool.stats().lent).toBe(0)
  })

  test('passes on errors and keeps the connection', async () => {
    const { opened } = pool.stats()
    await db.insertInto('people').values({ name: 'twice' }).execute()
    for (let i = 0; i < 20; i++) {
      await expect(
        db.insertInto('people').values({ name: 'twice' }).execute(),
      ).rejects.toMatchObject({
        code: '23505',
      })
    }
    expect(pool.stats().opened).toBeLessThanOrEqual(Math.max(opened, 4))
  })
})

describe('Drizzle', () => {
  const people = pgTable('people', {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    name: text().notNull(),
  })
  const db = drizzle({ client: pool })

  test('inserts, selects, updates and deletes', async () => {
    const [created] = await db.insert(people).values({ name: 'Edsger' }).returning()
    expect(created?.name).toBe('Edsger')
    const id = created?.id ?? 0
    expect(await db.select().from(people).where(eq(people.id, id))).toEqual([
      { id, name: 'Edsger' },
    ])
    await db.update(people).set({ name: 'Barbara' }).where(eq(people.id, id))
    expect(await db.select().from(people).where(eq(people.id, id))).toEqual([
      { id, name: 'Barbara' },
    ])
    await db.delete(people).where(eq(people.id, id))
    expect(await db.select().from(people).where(eq(people.id, id))).toEqual([])
    const { rows } = await db.execute(sql`select 1 as one`)
    expect(rows).toEqual([{ one: 1 }])
  })

  test('runs a transaction on one client, and nested ones on savepoints', async () => {
    await db.transaction(async (tx) => {
      await tx.insert(people).values({ name: 'outer' })
      await tx
        .transaction(async (inner) => {
          await inner.insert(people).values({ name: 'inner' })
          inner.rollback()
        })
        .catch(() => {})
      const { rows: before } = await pool.query("select 1 from people where name = 'outer'")
      expect(before).toEqual([])
    })
    const rows = await db.select({ name: people.name }).from(people)
    const names = rows.map(({ name }) => name)
    expect(names).toContain('outer')
    expect(names).not.toContain('inner')
    expect(pool.stats().lent).toBe(0)
  })

  test('many at a time share connections', async () => {
    const query = db.select({ name: people.name }).from(people).where(eq(people.name, 'outer'))
    const answers = await Promise.all(Array.from({ length: 200 }, () => query.execute()))
    expect(answers.every(([row]) => row?.name === 'outer')).toBe(true)
    expect(pool.stats().opened).toBeLessThanOrEqual(4)
  })
})
