import { Kysely, PostgresDialect, sql } from 'kysely'
import type { Pool } from 'pg'
import type { Category, Comment, Post, Store, User } from './store.ts'

interface Tables {
  users: User
  teams: { id: number; name: string }
  posts: Post
  comments: Comment
  categories: Category
  logs: { user_id: number; note: string }
  settings: { tenant: string; key: string; value: string }
  jobs: { id: number; is_done: boolean }
}

export function kyselyStore(pool: Pool): Store {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return {
    users: (limit) => db.selectFrom('users').selectAll().orderBy('id').limit(limit).execute(),
    user: (id) => db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst(),
    usersByIds: (ids) =>
      db
        .selectFrom('users')
        .selectAll()
        .where('id', '=', sql<number>`any(${ids})`)
        .execute(),
    usersIn: (ids) => db.selectFrom('users').selectAll().where('id', 'in', ids).execute(),
    rename: async (id, name) =>
      void (await db.updateTable('users').set({ name }).where('id', '=', id).execute()),
    team: (id) => db.selectFrom('teams').selectAll().where('id', '=', id).executeTakeFirst(),
    posts: (limit) =>
      db.selectFrom('posts').selectAll().orderBy('id', 'desc').limit(limit).execute(),
    postsPage: (limit, offset) =>
      db.selectFrom('posts').selectAll().orderBy('id').limit(limit).offset(offset).execute(),
    postsAfter: (id, limit) =>
      db.selectFrom('posts').selectAll().where('id', '>', id).orderBy('id').limit(limit).execute(),
    postsOf: (authorId) =>
      db.selectFrom('posts').selectAll().where('author_id', '=', authorId).execute(),
    countPosts: async (authorId) => {
      const row = await db
        .selectFrom('posts')
        .select((eb) => eb.fn.countAll<string>().as('n'))
        .where('author_id', '=', authorId)
        .executeTakeFirst()
      return Number(row?.n)
    },
    hasPosts: async (authorId) => {
      const row = await db
        .selectFrom('posts')
        .select('id')
        .where('author_id', '=', authorId)
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },
    commentsOf: (postId) =>
      db.selectFrom('comments').selectAll().where('post_id', '=', postId).execute(),
    commentsOfAll: (ids) =>
      db.selectFrom('comments').selectAll().where('post_id', 'in', ids).execute(),
    removeComments: async (postId) =>
      void (await db.deleteFrom('comments').where('post_id', '=', -postId).execute()),
    category: (id) =>
      db.selectFrom('categories').selectAll().where('id', '=', id).executeTakeFirst(),
    categoriesIn: (parentId) =>
      db.selectFrom('categories').selectAll().where('parent_id', '=', parentId).execute(),
    log: async (userId, note) =>
      void (await db.insertInto('logs').values({ user_id: userId, note }).execute()),
    logAll: async (entries) => {
      const rows = entries.map(({ userId, note }) => ({ user_id: userId, note }))
      await db.insertInto('logs').values(rows).execute()
    },
    setting: async (tenant, key) => {
      const query = db
        .selectFrom('settings')
        .select('value')
        .where('tenant', '=', tenant)
        .where('key', '=', key)
      return (await query.executeTakeFirst())?.value
    },
    nextJob: () =>
      db
        .selectFrom('jobs')
        .select('id')
        .where('is_done', '=', false)
        .orderBy('id')
        .limit(1)
        .forUpdate()
        .skipLocked()
        .executeTakeFirst(),
    finishJob: async (id) =>
      void (await db.updateTable('jobs').set({ is_done: true }).where('id', '=', id).execute()),
    transfer: async (id) => void (await sql`select transfer(${id})`.execute(db)),
    ping: async () => void (await sql`select 1`.execute(db)),
  }
}
