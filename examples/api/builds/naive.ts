import type { FastifyInstance } from 'fastify'
import { Client, type QueryResultRow } from 'pg'
import { accountUrl, sites, type Accounts } from '../api/accounts.ts'
import { createApp } from '../api/app.ts'
import type { Author, Build, BuildOptions, Comment, DataCounts, User } from '../api/contract.ts'
import { cursorAfter, readCursor } from '../api/cursor.ts'
import { notFound } from '../api/errors.ts'
import { readId } from '../api/ids.ts'
import { relatedTags } from '../api/related-tags.ts'
import type { QuestionTagsRow } from '../api/rows.ts'
import { schemas } from '../api/schemas.ts'
import { pageSize, sql } from '../api/sql.ts'
import { addUploads } from './naive-uploads.ts'

/**
 * The API as it is written in a hurry: a connection for each query, a query for each author, whole
 * rows, no cache, no limits, nothing compressed. Nothing is slow on purpose: the indexes are there,
 * and each query uses them.
 */
export const build: Build = (options) => createApp(options, addRoutes)

async function addRoutes(app: FastifyInstance, options: BuildOptions): Promise<void> {
  app.get<ById>('/api/users/:id', { schema: schemas.user }, async (request) => {
    const id = readId(request.params.id)
    const [user] = await query<UserRow>('SELECT * FROM users WHERE id = $1', [id])
    if (!user) throw notFound(`user ${id}`)
    return toUser(user)
  })

  app.patch<ById & { Body: { name: string } }>(
    '/api/users/:id',
    { schema: schemas.rename },
    async (request) => {
      const id = readId(request.params.id)
      const [user] = await query<UserRow>('UPDATE users SET name = $2 WHERE id = $1 RETURNING *', [
        id,
        request.body.name,
      ])
      if (!user) throw notFound(`user ${id}`)
      return toUser(user)
    },
  )

  app.get<ById & Page>('/api/users/:id/posts', { schema: schemas.userPosts }, async (request) => {
    const id = readId(request.params.id)
    const after = readCursor(request.query.cursor)
    const [user] = await query<UserRow>('SELECT * FROM users WHERE id = $1', [id])
    if (!user) throw notFound(`user ${id}`)
    const rows = await query<PostRow>(
      `SELECT * FROM posts
       WHERE owner_id = $1 AND status = 'published' AND (created_at, id) < ($2, $3)
       ORDER BY created_at DESC, id DESC LIMIT ${pageSize + 1}`,
      [id, after.createdAt, after.id],
    )
    const posts = []
    for (const row of rows.slice(0, pageSize)) {
      const question = row.parent_id === null ? row : await findPost(row.parent_id)
      posts.push({
        ...row,
        questionId: question.id,
        title: question.title,
        createdAt: row.created_at,
        author: await findAuthor(row.owner_id),
      })
    }
    return { posts, nextCursor: nextCursor(rows) }
  })

  addUploads(app, options.databaseUrl)
  const { networkUrl } = options
  if (networkUrl !== undefined) {
    app.get<ById>('/api/users/:id/accounts', { schema: schemas.accounts }, async (request) => {
      const id = readId(request.params.id)
      const found: Accounts = { accounts: [], unavailable: [] }
      for (const site of sites) {
        const response = await fetch(accountUrl(networkUrl, site, id))
        if (response.ok) {
          const { reputation } = (await response.json()) as { reputation: number }
          found.accounts.push({ site, reputation })
        } else {
          found.unavailable.push(site)
        }
      }
      return found
    })
  }

  app.get<{ Querystring: { tag?: string; cursor?: string } }>(
    '/api/questions',
    { schema: schemas.questions },
    async (request) => {
      const { tag, cursor } = request.query
      const after = readCursor(cursor)
      const rows = tag
        ? await query<PostRow>(
            `SELECT posts.* FROM posts JOIN question_tags ON question_id = posts.id
             WHERE tag = $1 AND (question_tags.created_at, question_id) < ($2, $3)
             ORDER BY question_tags.created_at DESC, question_id DESC LIMIT ${pageSize + 1}`,
            [tag, after.createdAt, after.id],
          )
        : await query<PostRow>(
            `SELECT * FROM posts
             WHERE kind = 'question' AND status = 'published' AND (created_at, id) < ($1, $2)
             ORDER BY created_at DESC, id DESC LIMIT ${pageSize + 1}`,
            [after.createdAt, after.id],
          )
      const questions = []
      for (const row of rows.slice(0, pageSize)) {
        questions.push({
          ...row,
          viewCount: row.view_count,
          answerCount: row.answer_count,
          createdAt: row.created_at,
          author: await findAuthor(row.owner_id),
        })
      }
      return { questions, nextCursor: nextCursor(rows) }
    },
  )

  app.get<ById>('/api/questions/:id', { schema: schemas.question }, async (request) => {
    const id = readId(request.params.id)
    const [question] = await query<PostRow>(
      "SELECT * FROM posts WHERE id = $1 AND kind = 'question' AND status = 'published'",
      [id],
    )
    if (!question) throw notFound(`question ${id}`)
    const answerRows = await query<PostRow>(
      "SELECT * FROM posts WHERE parent_id = $1 AND status = 'published' ORDER BY score DESC, id",
      [id],
    )
    const answers = []
    for (const row of answerRows) {
      answers.push({
        ...row,
        createdAt: row.created_at,
        author: await findAuthor(row.owner_id),
        comments: await findComments(row.id),
      })
    }
    return {
      ...question,
      viewCount: question.view_count,
      createdAt: question.created_at,
      author: await findAuthor(question.owner_id),
      comments: await findComments(id),
      answers,
    }
  })

  app.post<ById & { Body: { value: number } }>(
    '/api/questions/:id/votes',
    { schema: schemas.vote },
    async (request) => {
      const id = readId(request.params.id)
      const { value } = request.body
      const [question] = await query<PostRow>(
        `UPDATE posts SET score = score + $2
         WHERE id = $1 AND kind = 'question' AND status = 'published' RETURNING *`,
        [id, value],
      )
      if (!question) throw notFound(`question ${id}`)
      const type = value === 1 ? 2 : 3
      await query('INSERT INTO votes (post_id, type, created_at) VALUES ($1, $2, now())', [
        id,
        type,
      ])
      return { questionId: id, score: question.score }
    },
  )

  const [data] = await query<DataCounts>(sql.data)
  app.get('/api/data', { schema: schemas.data }, async () => data)

  app.get('/api/stats/tags', { schema: schemas.tagStats }, async () => ({
    tags: await query(sql.tagStats),
  }))

  app.get('/api/stats/tags/related', { schema: schemas.relatedTags }, async () => {
    const [found] = await query<QuestionTagsRow>(sql.questionTags)
    return { tags: relatedTags(found?.questions ?? '') }
  })

  async function findPost(id: number): Promise<PostRow> {
    const [post] = await query<PostRow>('SELECT * FROM posts WHERE id = $1', [id])
    if (!post) throw notFound(`post ${id}`)
    return post
  }

  async function findAuthor(id: number | null): Promise<Author> {
    if (id === null) return null
    const [user] = await query<UserRow>('SELECT * FROM users WHERE id = $1', [id])
    return user ?? null
  }

  async function findComments(postId: number): Promise<Comment[]> {
    const rows = await query<CommentRow>(
      'SELECT * FROM comments WHERE post_id = $1 ORDER BY created_at, id',
      [postId],
    )
    const comments = []
    for (const row of rows) {
      comments.push({
        ...row,
        createdAt: row.created_at,
        author: await findAuthor(row.author_id),
      })
    }
    return comments
  }

  async function query<Row extends QueryResultRow>(
    text: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    const client = new Client({ connectionString: options.databaseUrl })
    await client.connect()
    try {
      const { rows } = await client.query<Row>(text, values)
      return rows
    } finally {
      await client.end()
    }
  }
}

interface ById {
  Params: { id: string }
}

interface Page {
  Querystring: { cursor?: string }
}

interface UserRow extends Pick<
  User,
  'id' | 'name' | 'reputation' | 'location' | 'website' | 'about'
> {
  question_count: number
  answer_count: number
  created_at: Date
}

interface PostRow {
  id: number
  kind: 'question' | 'answer'
  parent_id: number | null
  owner_id: number | null
  title: string | null
  body: string
  tags: string[]
  score: number
  view_count: number
  answer_count: number
  created_at: Date
}

interface CommentRow extends Pick<Comment, 'id' | 'text' | 'score'> {
  author_id: number | null
  created_at: Date
}

function toUser(row: UserRow): User {
  return {
    ...row,
    questionCount: row.question_count,
    answerCount: row.answer_count,
    createdAt: row.created_at,
  }
}

function nextCursor(rows: PostRow[]): string | null {
  const last = rows[pageSize - 1]
  if (rows.length <= pageSize || !last) return null
  return cursorAfter({ createdAt: last.created_at, id: last.id })
}
