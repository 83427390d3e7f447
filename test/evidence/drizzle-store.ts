import { and, asc, count, desc, eq, gt, inArray, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { boolean, integer, pgTable, text } from 'drizzle-orm/pg-core'
import type { Pool } from 'pg'
import type { Store } from './store.ts'

const users = pgTable('users', {
  id: integer().notNull(),
  name: text().notNull(),
  team_id: integer().notNull(),
})
const teams = pgTable('teams', { id: integer().notNull(), name: text().notNull() })
const posts = pgTable('posts', {
  id: integer().notNull(),
  author_id: integer().notNull(),
  title: text().notNull(),
})
const comments = pgTable('comments', {
  id: integer().notNull(),
  post_id: integer().notNull(),
  author_id: integer().notNull(),
})
const categories = pgTable('categories', { id: integer().notNull(), parent_id: integer() })
const logs = pgTable('logs', { user_id: integer().notNull(), note: text().notNull() })
const settings = pgTable('settings', { tenant: text(), key: text(), value: text().notNull() })
const jobs = pgTable('jobs', { id: integer().notNull(), is_done: boolean().notNull() })

export function drizzleStore(pool: Pool): Store {
  const db = drizzle(pool)
  return {
    users: async (limit) => db.select().from(users).orderBy(users.id).limit(limit),
    user: async (id) => (await db.select().from(users).where(eq(users.id, id)))[0],
    usersByIds: async (ids) =>
      db
        .select()
        .from(users)
        .where(sql`${users.id} = any(${sql.param(ids)})`),
    usersIn: async (ids) => db.select().from(users).where(inArray(users.id, ids)),
    rename: async (id, name) => void (await db.update(users).set({ name }).where(eq(users.id, id))),
    team: async (id) => (await db.select().from(teams).where(eq(teams.id, id)))[0],
    posts: async (limit) => db.select().from(posts).orderBy(desc(posts.id)).limit(limit),
    postsPage: async (limit, offset) =>
      db.select().from(posts).orderBy(asc(posts.id)).limit(limit).offset(offset),
    postsAfter: async (id, limit) =>
      db.select().from(posts).where(gt(posts.id, id)).orderBy(posts.id).limit(limit),
    postsOf: async (authorId) => db.select().from(posts).where(eq(posts.author_id, authorId)),
    countPosts: async (authorId) => {
      const [row] = await db.select({ n: count() }).from(posts).where(eq(posts.author_id, authorId))
      return row?.n ?? 0
    },
    hasPosts: async (authorId) =>
      (await db.select({ id: posts.id }).from(posts).where(eq(posts.author_id, authorId)).limit(1))
        .length > 0,
    commentsOf: async (postId) => db.select().from(comments).where(eq(comments.post_id, postId)),
    commentsOfAll: async (ids) => db.select().from(comments).where(inArray(comments.post_id, ids)),
    removeComments: async (postId) =>
      void (await db.delete(comments).where(eq(comments.post_id, -postId))),
    category: async (id) => (await db.select().from(categories).where(eq(categories.id, id)))[0],
    categoriesIn: async (parentId) =>
      db.select().from(categories).where(eq(categories.parent_id, parentId)),
    log: async (userId, note) => void (await db.insert(logs).values({ user_id: userId, note })),
    logAll: async (entries) => {
      await db.insert(logs).values(entries.map(({ userId, note }) => ({ user_id: userId, note })))
    },
    setting: async (tenant, key) => {
      const found = await db
        .select()
        .from(settings)
        .where(and(eq(settings.tenant, tenant), eq(settings.key, key)))
      return found[0]?.value
    },
    nextJob: async () => {
      const open = db
        .select({ id: jobs.id })
        .from(jobs)
        .where(eq(jobs.is_done, false))
        .orderBy(jobs.id)
        .limit(1)
      return (await open.for('update', { skipLocked: true }))[0]
    },
    finishJob: async (id) =>
      void (await db.update(jobs).set({ is_done: true }).where(eq(jobs.id, id))),
    transfer: async (id) => void (await db.execute(sql`select transfer(${id})`)),
    ping: async () => void (await db.execute(sql`select 1`)),
  }
}
