import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startPostgres, type PostgresServer } from '@hotpath/services'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build as buildHotpath } from '../../examples/api/builds/hotpath.ts'
import { build as buildNaive } from '../../examples/api/builds/naive.ts'
import { build as buildUsual } from '../../examples/api/builds/usual.ts'
import { importDump, type ImportResult } from '../../examples/api/data/importer.ts'
import { migrate } from '../../examples/api/data/migrate.ts'

const data = resolve(process.env['HOTPATH_DATA'] ?? '../shared/data')
const dump = join(data, 'stackexchange')
if (!existsSync(dump)) {
  throw new Error(`There is no ${dump}: HOTPATH_DATA must name the folder with the real data.`)
}

let postgres: PostgresServer
let pool: Pool
let result: ImportResult
const builds = { naive: buildNaive, usual: buildUsual, hotpath: buildHotpath }
const origins = new Map<string, string>()
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } })
  closers.push(() => postgres.close())
  await migrate(postgres.url)
  result = await importDump(postgres.url, dump)
  pool = new Pool({ connectionString: postgres.url, max: 2 })
  closers.push(() => pool.end())
  for (const [name, build] of Object.entries(builds)) {
    const app = await build({ databaseUrl: postgres.url })
    closers.push(() => app.close())
    origins.set(name, await app.listen({ port: 0, host: '127.0.0.1' }))
  }
}, 120_000)
afterAll(async () => {
  for (const close of closers.toReversed()) await close()
})

test('a whole site loads completely', async () => {
  const counts = { users: 1_703, posts: 781, comments: 1_305, votes: 4_349 }
  expect(result).toEqual({ counts, rejectedCount: 0, rejected: [] })
  for (const [table, count] of Object.entries(counts)) {
    const { rows } = await pool.query(`select count(*)::int as count from ${table}`)
    expect(rows, table).toEqual([{ count }])
  }
})

test('what is counted agrees with what the site had counted', async () => {
  const { rows } = await pool.query(
    `select id from posts
     where status = 'published' and score <> (
       select count(*) filter (where type = 2) - count(*) filter (where type = 3)
       from votes where post_id = posts.id
     )`,
  )
  expect(rows).toEqual([])
})

describe('every route answers, and every build the same', () => {
  async function ask(path: string): Promise<string> {
    const answers = await Promise.all(
      [...origins].map(async ([name, origin]) => {
        const response = await fetch(origin + path)
        const body = await response.text()
        expect(response.status, `${name} ${path}: ${body}`).toBe(200)
        return body
      }),
    )
    expect(new Set(answers).size, path).toBe(1)
    return answers[0] ?? ''
  }

  async function ids(sql: string): Promise<number[]> {
    const { rows } = await pool.query<{ id: number }>(sql)
    return rows.map(({ id }) => id)
  }

  test('users and their posts', async () => {
    const authors = await ids(
      'select owner_id as id from posts where owner_id > 0 group by 1 order by count(*) desc limit 20',
    )
    for (const id of [...authors, ...(await ids('select max(id) as id from users'))]) {
      expect(JSON.parse(await ask(`/api/users/${id}`)).id).toBe(id)
      expect(JSON.parse(await ask(`/api/users/${id}/posts`)).posts).toBeInstanceOf(Array)
    }
  })

  test('all 274 questions, page by page and one by one', async () => {
    const seen: number[] = []
    let cursor: string | null = ''
    do {
      const page: { questions: { id: number }[]; nextCursor: string | null } = JSON.parse(
        await ask(`/api/questions?tag=&cursor=${cursor}`),
      )
      seen.push(...page.questions.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen).toEqual(
      await ids(`select id from posts where kind = 'question' order by created_at desc, id desc`),
    )
    expect(seen).toHaveLength(274)

    for (const id of seen.filter((_, i) => i % 10 === 0)) {
      expect(JSON.parse(await ask(`/api/questions/${id}`)).id).toBe(id)
    }
  })

  test('tags', async () => {
    const { tags } = JSON.parse(await ask('/api/stats/tags'))
    expect(tags[0]).toMatchObject({ tag: 'discussion', questions: 218 })
    expect(JSON.parse(await ask('/api/questions?tag=discussion')).questions).toHaveLength(20)
  })

  test('tags that go together', async () => {
    const { tags } = JSON.parse(await ask('/api/stats/tags/related'))
    expect(tags).toHaveLength(50)
    expect(tags[0]).toMatchObject({ tag: 'discussion', questions: 218 })
    const { rows } = await pool.query<{ tag: string; questions: number }>(
      `select other.tag, count(*)::int as questions
       from question_tags mine join question_tags other using (question_id)
       where mine.tag = 'discussion' and other.tag <> 'discussion'
       group by other.tag
       order by count(*) / sqrt((select count(*) from question_tags t where t.tag = other.tag)) desc,
         count(*) desc, other.tag
       limit 5`,
    )
    expect(tags[0].related).toMatchObject(rows)
  })

  test('votes and new names', async () => {
    for (const origin of origins.values()) {
      const json = { 'content-type': 'application/json' }
      const vote = await fetch(`${origin}/api/questions/2/votes`, {
        method: 'POST',
        headers: json,
        body: '{"value":1}',
      })
      const { score } = (await vote.json()) as { score: number }
      const question = (await (await fetch(`${origin}/api/questions/2`)).json()) as object
      expect(question).toMatchObject({ id: 2, score })

      const body = JSON.stringify({ name: `Gilles ${score}` })
      await fetch(`${origin}/api/users/40`, { method: 'PATCH', headers: json, body })
      const user = (await (await fetch(`${origin}/api/users/40`)).json()) as object
      expect(user).toMatchObject({ id: 40, name: `Gilles ${score}` })
    }
  })
})
