import type { Pool } from 'pg'
import type { Category, Comment, Post, Store, User } from './store.ts'

export function pgStore(pool: Pool): Store {
  return {
    users: async (limit) =>
      (await pool.query<User>('select * from users order by id limit $1', [limit])).rows,
    user: async (id) => (await pool.query<User>('select * from users where id = $1', [id])).rows[0],
    usersByIds: async (ids) =>
      (await pool.query<User>('select * from users where id = any($1)', [ids])).rows,
    usersIn: async (ids) => {
      const list = ids.map((_, i) => `$${i + 1}`).join(', ')
      return (await pool.query<User>(`select * from users where id in (${list})`, ids)).rows
    },
    rename: async (id, name) =>
      void (await pool.query('update users set name = $1 where id = $2', [name, id])),
    team: async (id) =>
      (await pool.query<{ id: number; name: string }>('select * from teams where id = $1', [id]))
        .rows[0],
    posts: async (limit) =>
      (await pool.query<Post>('select * from posts order by id desc limit $1', [limit])).rows,
    postsPage: async (limit, offset) =>
      (
        await pool.query<Post>('select * from posts order by id limit $1 offset $2', [
          limit,
          offset,
        ])
      ).rows,
    postsAfter: async (id, limit) =>
      (
        await pool.query<Post>('select * from posts where id > $1 order by id limit $2', [
          id,
          limit,
        ])
      ).rows,
    // Written out, as it should not be, but is.
    postsOf: async (authorId) =>
      (await pool.query<Post>(`select * from posts where author_id = ${authorId}`)).rows,
    countPosts: async (authorId) => {
      const { rows } = await pool.query<{ n: number }>(
        'select count(*)::int as n from posts where author_id = $1',
        [authorId],
      )
      return rows[0]?.n ?? 0
    },
    hasPosts: async (authorId) => {
      const { rows } = await pool.query<{ has: boolean }>(
        'select exists (select from posts where author_id = $1) as has',
        [authorId],
      )
      return rows[0]?.has === true
    },
    commentsOf: async (postId) =>
      (
        await pool.query<Comment>({
          text: 'select * from comments where post_id = $1',
          values: [postId],
        })
      ).rows,
    commentsOfAll: async (ids) =>
      (await pool.query<Comment>('select * from comments where post_id = any($1)', [ids])).rows,
    removeComments: async (postId) =>
      void (await pool.query('delete from comments where post_id = $1', [-postId])),
    category: async (id) =>
      (await pool.query<Category>('select * from categories where id = $1', [id])).rows[0],
    categoriesIn: (parentId) =>
      new Promise((resolve, reject) => {
        pool.query<Category>(
          'select * from categories where parent_id = $1',
          [parentId],
          (error, result) => (error ? reject(error) : resolve(result.rows)),
        )
      }),
    log: async (userId, note) =>
      void (await pool.query('insert into logs (user_id, note) values ($1, $2)', [userId, note])),
    logAll: async (entries) => {
      const rows = entries.map((_, i) => `($${2 * i + 1}, $${2 * i + 2})`).join(', ')
      const values = entries.flatMap(({ userId, note }) => [userId, note])
      await pool.query(`insert into logs (user_id, note) values ${rows}`, values)
    },
    setting: async (tenant, key) => {
      const { rows } = await pool.query<{ value: string }>(
        'select value from settings where tenant = $1 and key = $2',
        [tenant, key],
      )
      return rows[0]?.value
    },
    nextJob: async () => {
      const { rows } = await pool.query<{ id: number }>(
        'select id from jobs where not is_done order by id limit 1 for update skip locked',
      )
      return rows[0]
    },
    finishJob: async (id) =>
      void (await pool.query('update jobs set is_done = true where id = $1', [id])),
    transfer: async (id) => void (await pool.query('select transfer($1)', [id])),
    ping: async () => void (await pool.query('select 1')),
  }
}
