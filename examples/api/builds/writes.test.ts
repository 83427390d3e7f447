import { describe, expect, test, vi } from 'vitest'
import { cachedBuilds, useApis, type Answer } from './running-apis.ts'

const { api, column, database } = await useApis()

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

test.for(['usual', 'hotpath'])(
  'with Redis, two instances of %s see the writes of each other',
  async (name) => {
    const [first, second] = [api(`${name} with Redis`), api(`${name} beside it`)]
    const [id] = await column<number>('select max(id) from users where question_count > 0')
    const [before] = await column<string>('select name from users where id = $1', [id])
    const [question] = await column<number>(
      `select id from posts where owner_id = $1 and kind = 'question' limit 1`,
      [id],
    )
    const paths = [`/api/users/${id}`, `/api/users/${id}/posts`, `/api/questions/${question}`]
    for (const [writer, reader, text] of [
      [first, second, 'by the first'],
      [second, first, 'by the second'],
    ] as const) {
      for (const path of paths) await reader.get(path)
      await writer.send('PATCH', `/api/users/${id}`, { name: text })
      for (const path of paths) {
        // The message to the other instance's memory may come after the writer's answer.
        await vi.waitFor(async () => expect((await reader.get(path)).body, path).toContain(text))
      }
    }
    await first.send('PATCH', `/api/users/${id}`, { name: before })
  },
)
