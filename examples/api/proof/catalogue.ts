import type { Client } from 'pg'
import { withClient } from './with-client.ts'

/** What there is to ask for, most popular first. */
export interface Catalogue {
  /** How many rows the tables hold, for the report. */
  readonly counts: { readonly users: number; readonly posts: number }
  /** Ids of users, by reputation. */
  readonly users: readonly number[]
  /** Ids of published questions, by views. */
  readonly questions: readonly number[]
  /** Tags, by the number of their questions. */
  readonly tags: readonly string[]
  /** Ids of users with published posts, by the number of these. */
  readonly authors: readonly number[]
  /** What the staleness check writes, and the load therefore only reads. */
  readonly targets: readonly Target[]
}

/** A question whose score, and whose author's name, the staleness check changes. */
export interface Target {
  readonly questionId: number
  readonly ownerId: number
  readonly tag: string
}

/** Reads the catalogue from the database that the builds will serve. */
export function readCatalogue(databaseUrl: string): Promise<Catalogue> {
  return withClient(databaseUrl, readFrom)
}

async function readFrom(client: Client): Promise<Catalogue> {
  const column = async <T>(sql: string): Promise<T[]> => {
    const { rows } = await client.query<[T]>({ text: sql, rowMode: 'array' })
    return rows.map(([value]) => value)
  }
  const [users = 0] = await column<number>('select count(*)::int from users')
  const [posts = 0] = await column<number>('select count(*)::int from posts')
  return {
    counts: { users, posts },
    users: await column('select id from users order by reputation desc, id'),
    questions: await column(
      `select id from posts where kind = 'question' and status = 'published'
         order by view_count desc, id`,
    ),
    tags: await column('select tag from question_tags group by tag order by count(*) desc, tag'),
    authors: await column(
      `select owner_id from posts where status = 'published' and owner_id is not null
         group by owner_id order by count(*) desc, owner_id`,
    ),
    targets: await readTargets(client),
  }
}

/**
 * The newest questions that have an author and a tag: they stand on the first page of every list
 * that shows them, so that a write to them must reach all of these lists.
 */
async function readTargets(client: Client): Promise<Target[]> {
  const { rows } = await client.query<Target>(
    `select id as "questionId", owner_id as "ownerId", tags[1] as tag
     from posts
     where kind = 'question' and status = 'published'
       and owner_id is not null and cardinality(tags) > 0
     order by created_at desc, id desc
     limit 5`,
  )
  return rows
}
