import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useDatabase, useRedis } from '../../../test/services.ts'
import type { Build, QuestionList, UserPosts } from '../api/contract.ts'
import { writeGeneratedDump } from '../data/generate.ts'
import { importDump } from '../data/importer.ts'
import { migrate } from '../data/migrate.ts'
import { build as buildHotpath } from './hotpath.ts'
import { build as buildNaive } from './naive.ts'
import { build as buildUsual } from './usual.ts'

const { url: databaseUrl } = await useDatabase()
const { url: redisUrl } = useRedis()
const database = new Pool({ connectionString: databaseUrl, max: 2 })

/** A build that listens, and the requests that a test makes of it. */
class Api {
  readonly #origin: string
  readonly close: () => Promise<void>

  static async start(build: Build, redis?: string): Promise<Api> {
    const app = await build({ databaseUrl, redisUrl: redis })
    return new Api(await app.listen({ port: 0, host: '127.0.0.1' }), () => app.close())
  }

  private constructor(origin: string, close: () => Promise<void>) {
    this.#origin = origin
    this.close = close
  }

  async get(path: string): Promise<Answer> {
    return answer(await fetch(this.#origin + path))
  }

  async send(method: 'PATCH' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const headers = { 'content-type': 'application/json' }
    return answer(await fetch(this.#origin + path, { method, headers, body: text }))
  }
}

interface Answer {
  readonly status: number
  readonly type: string | null
  readonly body: string
}

async function answer(response: Response): Promise<Answer> {
  const type = response.headers.get('content-type')
  return { status: response.status, type, body: await response.text() }
}

async function column<T>(sql: string, values: unknown[] = []): Promise<T[]> {
  const { rows } = await database.query<[T]>({ text: sql, values, rowMode: 'array' })
  return rows.map(([value]) => value)
}

const apis: Record<string, Api> = {}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-builds-'))
  await migrate(databaseUrl)
  await writeGeneratedDump(folder, { users: 60, posts: 400, seed: 11 })
  await importDump(databaseUrl, folder)
  await rm(folder, { recursive: true })

  apis.naive = await Api.start(buildNaive)
  apis.usual = await Api.start(buildUsual)
  apis.hotpath = await Api.start(buildHotpath)
  apis['usual with Redis'] = await Api.start(buildUsual, redisUrl)
  apis['hotpath with Redis'] = await Api.start(buildHotpath, redisUrl)
})
afterAll(async () => {
  await Promise.all(Object.values(apis).map((api) => api.close()))
  await database.end()
})

const cachedBuilds = ['usual', 'hotpath', 'usual with Redis', 'hotpath with Redis']

function api(name: string): Api {
  return apis[name] ?? expect.fail(`there is no build ${name}`)
}

/** Asks every build twice, the second time from the cache where there is one. */
async function expectSame(path: string): Promise<Answer> {
  const expected = await api('naive').get(path)
  for (const name of cachedBuilds) {
    expect(await api(name).get(path), `${name}: ${path}`).toEqual(expected)
    expect(await api(name).get(path), `${name}, again: ${path}`).toEqual(expected)
  }
  return expected
}

describe('every build gives the same answer', () => {
  test('users', async () => {
    for (const id of await column<number>('select id from users where id > 0 limit 15')) {
      expect((await expectSame(`/api/users/${id}`)).status).toBe(200)
    }
  })

  test('posts of users, those without any too', async () => {
    await database.query(
      `insert into users (id, name, reputation, created_at) values (9000, 'silent', 1, now())`,
    )
    for (const id of [1, 60, 9000]) {
      expect((await expectSame(`/api/users/${id}/posts`)).status).toBe(200)
    }
    expect((await expectSame('/api/users/9000/posts')).body).toBe('{"posts":[],"nextCursor":null}')
  })

  test('lists of questions', async () => {
    const tags = await column<string>('select distinct tag from question_tags limit 3')
    for (const tag of [...tags, 'no-such-tag', '']) {
      expect((await expectSame(`/api/questions?tag=${tag}&cursor=`)).status).toBe(200)
    }
    expect((await expectSame('/api/questions?tag=no-such-tag')).body).toBe(
      '{"questions":[],"nextCursor":null}',
    )
  })

  test('questions with answers, comments and authors', async () => {
    const ids = await column<number>(
      `select id from posts where kind = 'question' order by answer_count desc limit 8`,
    )
    for (const id of ids) expect((await expectSame(`/api/questions/${id}`)).status).toBe(200)
  })

  test('statistics of tags', async () => {
    const { status, body } = await expectSame('/api/stats/tags')
    expect(status).toBe(200)
    expect(JSON.parse(body).tags).toHaveLength(50)
  })

  test('what is missing is 404', async () => {
    const [answerId] = await column<number>(`select id from posts where kind = 'answer' limit 1`)
    for (const path of [
      '/api/users/2147483647',
      '/api/users/777777/posts',
      '/api/questions/777777',
      `/api/questions/${answerId}`,
      '/api/nothing',
      '/nowhere',
    ]) {
      const { status, type, body } = await expectSame(path)
      expect({ status, type }, path).toEqual({
        status: 404,
        type: 'application/json; charset=utf-8',
      })
      expect(JSON.parse(body), path).toEqual({
        error: { status: 404, message: expect.stringMatching(/^There is no /) },
      })
    }
  })

  test('what cannot be asked is 400, and says why', async () => {
    for (const path of [
      '/api/users/abc',
      '/api/users/0',
      '/api/users/-1',
      '/api/users/01',
      '/api/users/1e3',
      '/api/users/2147483648/posts',
      '/api/questions/99999999999999999999',
      '/api/questions/%20',
      '/api/users/1/posts?cursor=abc',
      '/api/questions?cursor=MTAwMC4w',
      `/api/questions?cursor=${'x'.repeat(65)}`,
      `/api/questions?tag=${'x'.repeat(101)}`,
      '/api/questions?tag=%00',
      '/api/questions?tag=a&tag=b',
      '/api/users/%zz',
    ]) {
      const { status, body } = await expectSame(path)
      expect(status, path).toBe(400)
      const { error } = JSON.parse(body)
      expect(error, path).toEqual({ status: 400, message: expect.stringMatching(/\w+ \w+/) })
    }
  })
})

describe('cursors', () => {
  test('lead through all questions once, the newest first', async () => {
    const expected = await column<number>(
      `select id from posts where kind = 'question' order by created_at desc, id desc`,
    )
    const [ties = 0] = await column<number>(
      `select count(*)::int from posts q join posts r using (created_at) where q.id < r.id`,
    )
    expect(ties).toBeGreaterThan(0)
    expect(await walk('/api/questions?tag=')).toEqual(expected)
  })

  test('lead through the questions of a tag', async () => {
    const [tag] = await column<string>(
      'select tag from question_tags group by tag order by count(*) desc limit 1',
    )
    const expected = await column<number>(
      `select question_id from question_tags where tag = $1
       order by created_at desc, question_id desc`,
      [tag],
    )
    expect(expected.length).toBeGreaterThan(20)
    expect(await walk(`/api/questions?tag=${tag}`)).toEqual(expected)
  })

  test('lead through the posts of a user', async () => {
    const [id] = await column<number>(
      'select owner_id from posts where owner_id is not null group by 1 order by count(*) desc limit 1',
    )
    const expected = await column<number>(
      `select id from posts where owner_id = $1 and status = 'published'
       order by created_at desc, id desc`,
      [id],
    )
    expect(expected.length).toBeGreaterThan(20)
    expect(await walk(`/api/users/${id}/posts?`)).toEqual(expected)
  })

  test('a list that ends with its page has no next one', async () => {
    const posts = Array.from({ length: 20 }, (_, i) => 100_000 + i)
    await database.query(
      `insert into users (id, name, reputation, created_at) values (9001, 'even', 1, now())`,
    )
    await database.query(
      `insert into posts (id, kind, status, owner_id, title, body, score, created_at)
       select id, 'question', 'published', 9001, 'same time', '', 0, '2030-01-01'
       from unnest($1::int[]) id`,
      [posts],
    )
    expect(await walk('/api/users/9001/posts?')).toEqual(posts.toReversed())
    const { body } = await expectSame('/api/users/9001/posts')
    expect((JSON.parse(body) as UserPosts).nextCursor).toBeNull()
    await database.query('delete from posts where owner_id = 9001')
  })

  async function walk(path: string): Promise<number[]> {
    const ids: number[] = []
    let cursor: string | null = ''
    do {
      const { body } = await expectSame(`${path}&cursor=${cursor}`)
      const page = JSON.parse(body) as UserPosts | QuestionList
      ids.push(...('posts' in page ? page.posts : page.questions).map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)
    return ids
  }
})

describe.for(['naive', ...cachedBuilds])('writes of %s', (name) => {
  test('a vote counts, is kept, and is answered with the new score', async () => {
    const [id = 0] = await column<number>(`select id from posts where kind = 'question' limit 1`)
    const votes = () =>
      column<number>('select type from votes where post_id = $1 order by id', [id])
    const [score = 0] = await column<number>('select score from posts where id = $1', [id])
    const before = await votes()
    const path = `/api/questions/${id}/votes`
    const type = 'application/json; charset=utf-8'

    const up = { status: 200, type, body: JSON.stringify({ questionId: id, score: score + 1 }) }
    expect(await api(name).send('POST', path, { value: 1 })).toEqual(up)
    const down = { ...up, body: JSON.stringify({ questionId: id, score }) }
    expect(await api(name).send('POST', path, { value: -1 })).toEqual(down)
    expect(await votes()).toEqual([...before, 2, 3])
  })

  test('a rename is answered with the user', async () => {
    const { status, body } = await api(name).send('PATCH', '/api/users/9000', { name: 'Zoë "Z"' })
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ id: 9000, name: 'Zoë "Z"', reputation: 1 })
    expect((await api(name).get('/api/users/9000')).body).toBe(body)
    await api(name).send('PATCH', '/api/users/9000', { name: 'silent' })
  })

  test('what cannot be written is refused and changes nothing', async () => {
    const [id] = await column<number>(`select id from posts where kind = 'question' limit 1`)
    const snapshot = () =>
      column('select count(*)::int from votes union all select sum(score)::int from posts')
    const before = await snapshot()
    const vote = (question: unknown, body?: unknown) =>
      api(name).send('POST', `/api/questions/${question}/votes`, body)
    const rename = (body: unknown) => api(name).send('PATCH', '/api/users/9000', body)

    for (const refused of [
      await vote(id, { value: 0 }),
      await vote(id, { value: 2 }),
      await vote(id, { value: 'up' }),
      await vote(id, {}),
      await vote(id, '{"value":'),
      await vote(id),
      await vote('abc', { value: 1 }),
      await rename({}),
      await rename({ name: '' }),
      await rename({ name: 'x'.repeat(101) }),
      await rename({ name: 'a\0b' }),
    ]) {
      expect(refused.status, refused.body).toBe(400)
      expect(JSON.parse(refused.body).error.message, refused.body).toMatch(/\w+ \w+/)
    }
    expect((await vote(888_888, { value: 1 })).status).toBe(404)
    expect((await api(name).send('PATCH', '/api/users/888888', { name: 'x' })).status).toBe(404)
    expect(await snapshot()).toEqual(before)
  })
})

describe.for(cachedBuilds)('the next read after a write, %s', (name) => {
  interface Affected {
    readonly question: number
    readonly author: number
    /** Every kind of page that shows the question's score. */
    readonly scored: string[]
    /** Every kind of page that shows the author's name: those above, and where else they wrote. */
    readonly named: string[]
  }

  async function findAffected(): Promise<Affected> {
    const { rows } = await database.query<{ question: number; author: number; tag: string }>(
      `select id as question, owner_id as author, tags[1] as tag from posts
       where kind = 'question' and owner_id is not null order by created_at desc, id desc limit 1`,
    )
    const { question, author, tag } = rows[0] ?? expect.fail('there is no question')
    const others = await column<number>(
      `select distinct coalesce(parent_id, id) from posts
       where status = 'published'
         and (owner_id = $1 or id in (select post_id from comments where author_id = $1))
       limit 6`,
      [author],
    )
    const scored = [
      `/api/users/${author}/posts`,
      '/api/questions',
      `/api/questions?tag=${tag}`,
      `/api/questions/${question}`,
    ]
    const named = [...scored, `/api/users/${author}`, ...others.map((id) => `/api/questions/${id}`)]
    return { question, author, scored, named }
  }

  async function expectAsNaive(paths: string[]): Promise<void> {
    for (const path of paths) {
      expect((await api(name).get(path)).body, path).toBe((await api('naive').get(path)).body)
    }
  }

  test('shows a new name on every page that names the user', async () => {
    const { author, scored, named } = await findAffected()
    for (const path of named) await api(name).get(path)
    const [before] = await column<string>('select name from users where id = $1', [author])
    await api(name).send('PATCH', `/api/users/${author}`, { name: `new in ${name}` })
    for (const path of named) {
      expect((await api(name).get(path)).body, path).toContain(`"new in ${name}"`)
    }
    await expectAsNaive(scored)
    await restore(() => api(name).send('PATCH', `/api/users/${author}`, { name: before }))
  })

  test('shows a new score on every page that shows the question', async () => {
    const { question, scored } = await findAffected()
    for (const path of scored) await api(name).get(path)
    const { body } = await api(name).send('POST', `/api/questions/${question}/votes`, { value: 1 })
    expect(JSON.parse(body).questionId).toBe(question)
    await expectAsNaive(scored)
    await restore(() => api(name).send('POST', `/api/questions/${question}/votes`, { value: -1 }))
  })

  test('is never older than the last write answered, however many read meanwhile', async () => {
    const { author, question, scored: watched } = await findAffected()
    const [before] = await column<string>('select name from users where id = $1', [author])
    let answered = 0
    let isWriting = true
    let reads = 0

    const read = async (path: string) => {
      const oldest = answered
      const { status, body } = await api(name).get(path)
      expect(status).toBe(200)
      const shown = /"name \d+"/.exec(body)?.[0] ?? '"name 0"'
      expect(Number(/\d+/.exec(shown)), path).toBeGreaterThanOrEqual(oldest)
      reads++
    }
    const readers = Array.from({ length: 10 }, async (_, i) => {
      while (isWriting) await read(watched[i % watched.length] ?? '')
    })
    try {
      for (let i = 1; i <= 30; i++) {
        await api(name).send('PATCH', `/api/users/${author}`, { name: `name ${i}` })
        answered = i
        await api(name).send('POST', `/api/questions/${question}/votes`, { value: i % 2 ? 1 : -1 })
        await Promise.all(watched.map(read))
      }
    } finally {
      isWriting = false
      await Promise.all(readers)
    }
    expect(reads).toBeGreaterThan(150)
    await expectAsNaive(watched)
    await restore(() => api(name).send('PATCH', `/api/users/${author}`, { name: before }))
  })

  // The other builds would keep what they had cached before this one wrote: each cache answers for
  // the writes that go through its own process, or its own Redis.
  async function restore(undo: () => Promise<Answer>): Promise<void> {
    expect((await undo()).status).toBe(200)
  }
})
