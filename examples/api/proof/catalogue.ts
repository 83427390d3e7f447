import { Client } from 'pg'

/** What there is to ask for, most popular first. */
export interface Catalogue {
  /** How many rows the tables hold, for the report. */
  readonly counts: { readonly users: number; readonly posts: number }
  /** Ids of users by reputation. */
  readonly users: readonly number[]
  /** Ids of published questions by views. */
  readonly questions: readonly number[]
  /** Tags by the number of their questions. */
  readonly tags: readonly string[]
  /** Ids of users by the number of their published posts, those with none left out. */
  readonly authors: readonly number[]
}

/** Reads the catalogue from the database that the builds will serve. */
export async function readCatalogue(databaseUrl: string): Promise<Catalogue> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  const column = async <T>(sql: string): Promise<T[]> => {
    const { rows } = await client.query<[T]>({ text: sql, rowMode: 'array' })
    return rows.map(([value]) => value)
  }
  try {
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
    }
  } finally {
    await client.end()
  }
}
