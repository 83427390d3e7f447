import { and, count, desc, eq, gt, inArray, isNull, like, not, sql, sum } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { alias, integer, jsonb, pgTable, text, union } from 'drizzle-orm/pg-core'
import { expectTheSame } from './on-both.ts'

const people = pgTable('people', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  name: text().notNull().unique(),
  age: integer(),
  tags: text().array(),
})
const posts = pgTable('posts', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  author: integer().notNull(),
  title: text().notNull(),
  body: jsonb(),
})

type Db = NodePgDatabase
const byName = (name: string) => eq(people.name, name)

await expectTheSame<Db>(async (pool) => drizzle({ client: pool }), {
  'create tables': (db) =>
    db.execute(sql`
      create table people (id int generated always as identity primary key,
        name text not null unique, age int, tags text[]);
      create table posts (id int generated always as identity primary key,
        author int not null references people, title text not null, body jsonb)`),
  'insert one': (db) => db.insert(people).values({ name: 'Ada', age: 36, tags: ['a', 'b'] }),
  'insert, returning': (db) => db.insert(people).values({ name: 'Grace', age: 85 }).returning(),
  'insert many': (db) =>
    db.insert(people).values(['Alan', 'Edsger', 'Barbara'].map((name, age) => ({ name, age }))),
  'insert with a conflict': (db) => db.insert(people).values({ name: 'Ada' }),
  'insert, doing nothing on a conflict': (db) =>
    db.insert(people).values({ name: 'Ada' }).onConflictDoNothing().returning(),
  upsert: (db) =>
    db
      .insert(people)
      .values({ name: 'Ada' })
      .onConflictDoUpdate({ target: people.name, set: { age: 37 } })
      .returning({ age: people.age }),
  'insert from a select': (db) =>
    db.execute(sql`insert into posts (author, title) select id, name from people order by id`),
  'insert JSON': (db) =>
    db
      .insert(posts)
      .values({ author: 1, title: 'json', body: { a: [1, null, 'x'] } })
      .returning({ body: posts.body }),
  'a foreign key that leads nowhere': (db) => db.insert(posts).values({ author: 999, title: 'x' }),
  'select all': (db) => db.select().from(people).orderBy(people.id),
  'select some columns': (db) =>
    db.select({ name: people.name }).from(people).where(byName('Grace')),
  'select none': (db) => db.select().from(people).where(gt(people.age, 1_000)),
  'where in': (db) =>
    db
      .select()
      .from(people)
      .where(inArray(people.id, [1, 2]))
      .orderBy(people.id),
  'where null': (db) => db.select().from(people).where(isNull(people.tags)).orderBy(people.id),
  'several conditions': (db) =>
    db
      .select()
      .from(people)
      .where(and(like(people.name, '%a%'), not(byName('Ada'))))
      .orderBy(people.id),
  'inner join': (db) =>
    db.select().from(posts).innerJoin(people, eq(people.id, posts.author)).orderBy(posts.id),
  'left join': (db) =>
    db
      .select()
      .from(people)
      .leftJoin(posts, eq(posts.author, people.id))
      .orderBy(people.id, posts.id),
  'join with itself': (db) => {
    const other = alias(people, 'other')
    return db
      .select({ a: people.name, b: other.name })
      .from(people)
      .innerJoin(other, eq(people.id, sql`${other.id} - 1`))
      .orderBy(people.id)
  },
  aggregate: (db) => db.select({ n: count(), sum: sum(people.age) }).from(people),
  'group and having': (db) =>
    db
      .select({ author: posts.author, n: count() })
      .from(posts)
      .groupBy(posts.author)
      .having(gt(count(), 1)),
  'order, limit and offset': (db) =>
    db.select().from(people).orderBy(desc(people.id)).limit(2).offset(1),
  'select distinct': (db) =>
    db.selectDistinct({ author: posts.author }).from(posts).orderBy(posts.author),
  'common table expression': (db) => {
    const old = db.$with('old').as(db.select().from(people).where(gt(people.age, 40)))
    return db.with(old).select({ name: old.name }).from(old)
  },
  subquery: (db) => {
    const named = db.select({ id: people.id }).from(people).where(byName('Alan')).as('named')
    return db.select().from(posts).innerJoin(named, eq(named.id, posts.author))
  },
  union: (db) =>
    union(
      db.select({ name: people.name }).from(people),
      db.select({ name: posts.title }).from(posts),
    ).orderBy(sql`name`),
  'count of a table': (db) => db.$count(people),
  'raw SQL': (db) => db.execute(sql`select ${1}::int as one, ${'x'}::text as x`),
  'raw SQL with an error': (db) => db.execute(sql`select no_such_column`),
  'every type': (db) =>
    db.execute(sql`select 1::int8 as big, 1.5::numeric as num, 'a'::bytea as bytes, true as yes,
      '2026-01-02T03:04:05Z'::timestamptz as at, '{"a":1}'::jsonb as json, null as nothing`),
  'a prepared query, three times': async (db) => {
    const named = db
      .select()
      .from(people)
      .where(eq(people.id, sql.placeholder('id')))
      .prepare('by_id')
    return [
      await named.execute({ id: 1 }),
      await named.execute({ id: 2 }),
      await named.execute({ id: 3 }),
    ]
  },
  'many at a time': (db) =>
    Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        db
          .select()
          .from(people)
          .where(eq(people.id, (i % 5) + 1)),
      ),
    ),
  update: (db) => db.update(people).set({ age: 38 }).where(byName('Ada')),
  'update, returning': (db) =>
    db.update(people).set({ age: 39 }).where(byName('Ada')).returning({ age: people.age }),
  'for update': (db) => db.select().from(people).where(byName('Ada')).for('update'),
  'transaction that commits': (db) =>
    db.transaction(async (tx) => {
      await tx.insert(people).values({ name: 'committed' })
      return tx.select({ n: count() }).from(people)
    }),
  'transaction that rolls back': (db) =>
    db.transaction(async (tx) => {
      await tx.insert(people).values({ name: 'rolled back' })
      tx.rollback()
    }),
  'transaction with an isolation level': (db) =>
    db.transaction((tx) => tx.execute(sql`select current_setting('transaction_isolation')`), {
      isolationLevel: 'serializable',
    }),
  'nested transaction': async (db) => {
    await db.transaction(async (tx) => {
      await tx.insert(people).values({ name: 'kept' })
      const inner = tx.transaction(async (nested) => {
        await nested.insert(people).values({ name: 'undone' })
        nested.rollback()
      })
      await inner.catch(() => {})
    })
    return db
      .select()
      .from(people)
      .where(inArray(people.name, ['kept', 'undone']))
  },
  delete: (db) => db.delete(posts).where(eq(posts.author, 1)),
  'delete, returning': (db) => db.delete(people).where(byName('kept')).returning(),
})
