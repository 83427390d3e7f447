import { Kysely, PostgresDialect, sql, type Generated } from 'kysely'
import { expectTheSame } from './on-both.ts'

interface Schema {
  people: { id: Generated<number>; name: string; age: number | null; tags: string[] | null }
  posts: { id: Generated<number>; author: number; title: string; body: unknown }
}

type Db = Kysely<Schema>
const aborted = new Error('rolled back')

await expectTheSame<Db>(
  async (pool) => new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }),
  {
    'create a table': (db) =>
      db.schema
        .createTable('people')
        .addColumn('id', 'integer', (column) => column.primaryKey().generatedAlwaysAsIdentity())
        .addColumn('name', 'text', (column) => column.notNull().unique())
        .addColumn('age', 'integer')
        .addColumn('tags', sql`text[]`)
        .execute(),
    'create one that refers to it': (db) =>
      db.schema
        .createTable('posts')
        .addColumn('id', 'integer', (column) => column.primaryKey().generatedAlwaysAsIdentity())
        .addColumn('author', 'integer', (column) => column.references('people.id').notNull())
        .addColumn('title', 'text', (column) => column.notNull())
        .addColumn('body', 'jsonb')
        .execute(),
    'create an index': (db) =>
      db.schema.createIndex('by_author').on('posts').column('author').execute(),
    'insert one': (db) =>
      db
        .insertInto('people')
        .values({ name: 'Ada', age: 36, tags: ['a', 'b'] })
        .execute(),
    'insert, returning': (db) =>
      db.insertInto('people').values({ name: 'Grace', age: 85 }).returningAll().execute(),
    'insert many': (db) =>
      db
        .insertInto('people')
        .values(['Alan', 'Edsger', 'Barbara'].map((name, age) => ({ name, age })))
        .execute(),
    'insert with a conflict': (db) => db.insertInto('people').values({ name: 'Ada' }).execute(),
    'insert, doing nothing on a conflict': (db) =>
      db
        .insertInto('people')
        .values({ name: 'Ada' })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute(),
    upsert: (db) =>
      db
        .insertInto('people')
        .values({ name: 'Ada', age: 37 })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ age: 37 }))
        .returning('age')
        .execute(),
    'insert from a select': (db) =>
      db
        .insertInto('posts')
        .columns(['author', 'title'])
        .expression(db.selectFrom('people').select(['id', 'name']))
        .execute(),
    'insert JSON': (db) =>
      db
        .insertInto('posts')
        .values({ author: 1, title: 'json', body: JSON.stringify({ a: [1, null, 'x'] }) })
        .returning('body')
        .execute(),
    'a foreign key that leads nowhere': (db) =>
      db.insertInto('posts').values({ author: 999, title: 'x', body: null }).execute(),
    'select all': (db) => db.selectFrom('people').selectAll().orderBy('id').execute(),
    'select one': (db) =>
      db.selectFrom('people').select('name').where('name', '=', 'Grace').executeTakeFirst(),
    'select none': (db) =>
      db.selectFrom('people').select('name').where('age', '>', 1_000).executeTakeFirst(),
    'select none, and throw': (db) =>
      db.selectFrom('people').select('id').where('id', '=', -1).executeTakeFirstOrThrow(),
    'where in': (db) =>
      db.selectFrom('people').select('name').where('id', 'in', [1, 2]).orderBy('id').execute(),
    'where null': (db) =>
      db.selectFrom('people').select('name').where('tags', 'is', null).orderBy('id').execute(),
    join: (db) =>
      db
        .selectFrom('posts')
        .innerJoin('people', 'people.id', 'posts.author')
        .select(['title', 'name'])
        .orderBy('posts.id')
        .execute(),
    'left join': (db) =>
      db
        .selectFrom('people')
        .leftJoin('posts', 'posts.author', 'people.id')
        .select(['name', 'title'])
        .orderBy('people.id')
        .orderBy('posts.id')
        .execute(),
    aggregate: (db) =>
      db
        .selectFrom('people')
        .select(({ fn }) => [
          fn.countAll().as('n'),
          fn.sum('age').as('sum'),
          fn.avg('age').as('mean'),
        ])
        .execute(),
    'group and having': (db) =>
      db
        .selectFrom('posts')
        .select(({ fn }) => ['author', fn.countAll().as('n')])
        .groupBy('author')
        .having(({ fn }) => fn.countAll(), '>', 1)
        .execute(),
    'limit and offset': (db) =>
      db.selectFrom('people').select('name').orderBy('id').limit(2).offset(1).execute(),
    'distinct on': (db) =>
      db.selectFrom('posts').select('author').distinctOn('author').orderBy('author').execute(),
    'common table expression': (db) =>
      db
        .with('old', (inner) => inner.selectFrom('people').select('name').where('age', '>', 40))
        .selectFrom('old')
        .selectAll()
        .execute(),
    'common table expression that writes': (db) =>
      db
        .with('older', (inner) =>
          inner.updateTable('people').set({ age: 86 }).where('name', '=', 'Grace').returning('age'),
        )
        .selectFrom('older')
        .selectAll()
        .execute(),
    union: (db) =>
      db
        .selectFrom('people')
        .select('name')
        .union(db.selectFrom('posts').select('title as name'))
        .orderBy('name')
        .execute(),
    subquery: (db) =>
      db
        .selectFrom('people')
        .select((eb) => [
          'name',
          eb
            .selectFrom('posts')
            .select(({ fn }) => fn.countAll().as('n'))
            .whereRef('posts.author', '=', 'people.id')
            .as('posts'),
        ])
        .orderBy('id')
        .execute(),
    'raw SQL': (db) => sql`select ${1}::int as one, ${'x'}::text as x`.execute(db),
    'raw SQL with an error': (db) => sql`select no_such_column`.execute(db),
    'every type': (db) =>
      sql`select 1::int8 as big, 1.5::numeric as num, 'a'::bytea as bytes, true as yes,
        '2026-01-02T03:04:05Z'::timestamptz as at, '{"a":1}'::jsonb as json, null as nothing`.execute(
        db,
      ),
    update: (db) =>
      db.updateTable('people').set({ age: 38 }).where('name', '=', 'Ada').executeTakeFirst(),
    'update from': (db) =>
      db
        .updateTable('posts')
        .from('people')
        .set({ title: 'renamed' })
        .whereRef('people.id', '=', 'posts.author')
        .where('people.name', '=', 'Alan')
        .returning('posts.id')
        .execute(),
    'for update': (db) =>
      db.selectFrom('people').select('name').where('id', '=', 1).forUpdate().execute(),
    'transaction that commits': (db) =>
      db.transaction().execute(async (trx) => {
        await trx.insertInto('people').values({ name: 'committed' }).execute()
        return trx
          .selectFrom('people')
          .select(({ fn }) => fn.countAll().as('n'))
          .execute()
      }),
    'transaction that rolls back': (db) =>
      db.transaction().execute(async (trx) => {
        await trx.insertInto('people').values({ name: 'rolled back' }).execute()
        throw aborted
      }),
    'transaction with an isolation level': (db) =>
      db
        .transaction()
        .setIsolationLevel('serializable')
        .execute((trx) => sql`select current_setting('transaction_isolation')`.execute(trx)),
    'transaction with savepoints': async (db) => {
      const trx = await db.startTransaction().execute()
      await trx.insertInto('people').values({ name: 'kept' }).execute()
      const after = await trx.savepoint('one').execute()
      await after.insertInto('people').values({ name: 'undone' }).execute()
      await after.rollbackToSavepoint('one').execute()
      await trx.commit().execute()
      return db
        .selectFrom('people')
        .select('name')
        .where('name', 'in', ['kept', 'undone'])
        .execute()
    },
    'one connection for several queries': (db) =>
      db.connection().execute(async (one) => {
        await sql`set application_name to 'mine'`.execute(one)
        return sql`show application_name`.execute(one)
      }),
    delete: (db) => db.deleteFrom('posts').where('author', '=', 1).executeTakeFirst(),
    'delete, returning': (db) =>
      db.deleteFrom('people').where('name', '=', 'kept').returning('name').execute(),
    'the catalog': async (db) =>
      (await db.introspection.getTables()).map(({ name, columns }) => [name, columns.length]),
    'drop a table': (db) => db.schema.dropTable('posts').execute(),
  },
)
