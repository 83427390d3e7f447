import { describe, expect, test } from 'vitest'
import type { Accounts } from '../api/accounts.ts'
import type { QuestionList, UserPosts } from '../api/contract.ts'
import type { TagRelations } from '../api/related-tags.ts'
import { cachedBuilds, useApis, type Answer } from './running-apis.ts'

const { api, column, database } = await useApis()

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
    for (const id of [1, 60, 9000]) {
      expect((await expectSame(`/api/users/${id}/posts`)).status).toBe(200)
    }
    expect((await expectSame('/api/users/9000/posts')).body).toBe('{"posts":[],"nextCursor":null}')
  })

  test('accounts on the other sites, of which one is down', async () => {
    const { status, body } = await expectSame('/api/users/1/accounts')
    expect(status).toBe(200)
    const { accounts, unavailable } = JSON.parse(body) as Accounts
    expect(accounts).toHaveLength(9)
    expect(unavailable).toEqual(['sound'])
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

  test('tags that go together', async () => {
    const { status, body } = await expectSame('/api/stats/tags/related')
    expect(status).toBe(200)
    const counted = JSON.parse((await api('naive').get('/api/stats/tags')).body)
    const { tags } = JSON.parse(body) as { tags: TagRelations[] }
    expect(tags.map(({ tag, questions }) => ({ tag, questions }))).toEqual(
      counted.tags.map(({ tag, questions }: TagRelations) => ({ tag, questions })),
    )

    for (const { tag, related } of tags.slice(0, 3)) {
      expect(related).toHaveLength(5)
      for (const other of related) {
        expect(
          await column<number>(
            `select count(*)::int from posts
             where kind = 'question' and status = 'published' and tags @> array[$1, $2]`,
            [tag, other.tag],
          ),
        ).toEqual([other.questions])
      }
    }
  })

  test('how much there is', async () => {
    const [users] = await column<number>('select count(*)::int from users')
    const { status, body } = await expectSame('/api/data')
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ users, questions: expect.any(Number) })
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
