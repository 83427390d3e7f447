import compress from '@fastify/compress'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Pool, type QueryResultRow } from 'pg'
import { Piscina } from 'piscina'
import { Agent, request as fetchFrom } from 'undici'
import { accountUrl, sites, type Accounts } from '../api/accounts.ts'
import { createApp } from '../api/app.ts'
import type { Build, BuildOptions, DataCounts, User, Vote } from '../api/contract.ts'
import { readCursor } from '../api/cursor.ts'
import { readDataVersion } from '../api/data-version.ts'
import { notFound, tooManyRequests } from '../api/errors.ts'
import { readId } from '../api/ids.ts'
import type { TagRelations } from '../api/related-tags.ts'
import * as rows from '../api/rows.ts'
import { schemas } from '../api/schemas.ts'
import { sql } from '../api/sql.ts'
import * as tags from '../api/tags.ts'
import { settings } from '../settings.ts'
import { createResponseCache } from './usual-cache.ts'
import { addUploads } from './usual-uploads.ts'

/**
 * The API as a competent engineer wires it from packages: a pool with named statements, joins, and
 * a cache of ready JSON that is looked up before the database and invalidated after each write.
 */
export const build: Build = (options) => createApp(options, addRoutes)

async function addRoutes(app: FastifyInstance, options: BuildOptions): Promise<void> {
  const pool = new Pool({
    connectionString: options.databaseUrl,
    max: settings.maxConnections,
  })
  pool.on('error', (error) => app.log.error(error))
  app.addHook('onClose', () => pool.end())
  const cache = await createResponseCache({
    redisUrl: options.redisUrl,
    readDataVersion: () => readDataVersion(pool),
    onError: (error) => app.log.error(error),
  })
  app.addHook('onClose', () => cache.close())
  const relating = new Piscina<string, TagRelations[]>({
    filename: new URL('../api/related-tags.ts', import.meta.url).href,
    name: 'relatedTags',
    ...settings.relating,
  })
  app.addHook('onClose', () => relating.close())
  await app.register(compress)
  await app.register(rateLimit, { global: false, errorResponseBuilder: tooManyRequests })

  app.get<ById>('/api/users/:id', { schema: schemas.user }, (request, reply) => {
    const id = readId(request.params.id)
    return answer(reply, `user:${id}`, `user ${id}`, async () => {
      const [user] = await query<User>('user', [id])
      return { value: user, tags: [tags.userTag(id)] }
    })
  })

  app.patch<ById & { Body: { name: string } }>(
    '/api/users/:id',
    { schema: schemas.rename, config: costly(settings.writesPerMinute) },
    async (request) => {
      const id = readId(request.params.id)
      const [user] = await query<User>('rename', [id, request.body.name])
      if (user === undefined) throw notFound(`user ${id}`)
      await cache.invalidate(tags.userTag(id))
      return user
    },
  )

  app.get<ById & { Querystring: { cursor?: string } }>(
    '/api/users/:id/posts',
    { schema: schemas.userPosts },
    (request, reply) => {
      const id = readId(request.params.id)
      const { cursor } = request.query
      const after = readCursor(cursor)
      return answer(reply, `user-posts:${id}:${cursor ?? ''}`, `user ${id}`, async () => {
        const found = await query<rows.UserPostRow>('userPosts', [id, after.createdAt, after.id])
        const value = rows.userPosts(found)
        return { value, tags: tags.ofUserPosts(id, value) }
      })
    },
  )

  if (options.dataFolder !== undefined) {
    await addUploads(app, options.databaseUrl, pool, options.dataFolder)
  }
  const { networkUrl } = options
  if (networkUrl !== undefined) {
    const agent = new Agent({ connections: sites.length })
    app.addHook('onClose', () => agent.close())
    app.get<ById>('/api/users/:id/accounts', { schema: schemas.accounts }, async (request) => {
      const id = readId(request.params.id)
      const answers = await Promise.allSettled(
        sites.map(async (site) => {
          const { statusCode, body } = await fetchFrom(accountUrl(networkUrl, site, id), {
            dispatcher: agent,
            signal: AbortSignal.timeout(settings.siteTimeoutMs),
          })
          if (statusCode !== 200) {
            await body.dump()
            throw new Error(`${site} answered ${statusCode}`)
          }
          return (await body.json()) as { reputation: number }
        }),
      )
      const found: Accounts = { accounts: [], unavailable: [] }
      for (const [index, answer] of answers.entries()) {
        const site = sites[index] ?? ''
        if (answer.status === 'fulfilled') found.accounts.push({ site, ...answer.value })
        else found.unavailable.push(site)
      }
      return found
    })
  }

  app.get<{ Querystring: { tag?: string; cursor?: string } }>(
    '/api/questions',
    { schema: schemas.questions },
    (request, reply) => {
      const { tag = '', cursor = '' } = request.query
      const after = readCursor(cursor)
      return answer(reply, `questions:${cursor}:${tag}`, 'questions', async () => {
        const from = [after.createdAt, after.id]
        const found = tag
          ? await query<rows.QuestionRow>('questionsByTag', [tag, ...from])
          : await query<rows.QuestionRow>('questions', from)
        const value = rows.questionList(found)
        return { value, tags: tags.ofQuestionList(value) }
      })
    },
  )

  app.get<ById>('/api/questions/:id', { schema: schemas.question }, (request, reply) => {
    const id = readId(request.params.id)
    return answer(reply, `question:${id}`, `question ${id}`, async () => {
      const value = rows.question(await query<rows.ThreadRow>('thread', [id]))
      return { value, tags: tags.ofQuestion(id, value) }
    })
  })

  app.post<ById & { Body: { value: number } }>(
    '/api/questions/:id/votes',
    { schema: schemas.vote, config: costly(settings.writesPerMinute) },
    async (request) => {
      const id = readId(request.params.id)
      const [vote] = await query<Vote>('vote', [id, request.body.value])
      if (vote === undefined) throw notFound(`question ${id}`)
      await cache.invalidate(tags.questionTag(id))
      return vote
    },
  )

  const [data] = await query<DataCounts>('data')
  app.get(
    '/api/data',
    { schema: schemas.data, config: limited(settings.dataPerMinute) },
    async () => data,
  )

  app.get(
    '/api/stats/tags',
    { schema: schemas.tagStats, config: costly(settings.tagStatsPerMinute) },
    (_request, reply) =>
      answer(reply, 'tag-stats', 'statistics', readTagStats, settings.tagStatsTtlMs),
  )

  app.get(
    '/api/stats/tags/related',
    { schema: schemas.relatedTags, config: costly(settings.tagStatsPerMinute) },
    (_request, reply) =>
      answer(reply, 'related-tags', 'statistics', readRelatedTags, settings.tagStatsTtlMs),
  )

  // Too expensive to run twice at a time, wherever the result is kept. No write changes them.
  const readTagStats = oneAtATime(async () => ({
    value: { tags: await query('tagStats') },
    tags: [],
  }))
  const readRelatedTags = oneAtATime(async () => {
    const [found] = await query<rows.QuestionTagsRow>('questionTags')
    return { value: { tags: await relating.run(found?.questions ?? '') }, tags: [] }
  })

  /** Sends the JSON that is kept under `key`, or makes and keeps it. */
  async function answer<T extends object>(
    reply: FastifyReply,
    key: string,
    what: string,
    load: () => Promise<{ value: T | undefined; tags: string[] }>,
    ttlMs: number = settings.ttlMs,
  ): Promise<string> {
    const json = await cache.getOrLoad(key, ttlMs, async () => {
      const { value, tags } = await load()
      return { json: value === undefined ? null : String(reply.serialize(value)), tags }
    })
    if (json === null) throw notFound(what)
    reply.type('application/json; charset=utf-8')
    return json
  }

  async function query<Row extends QueryResultRow>(
    name: keyof typeof sql,
    values: unknown[] = [],
  ): Promise<Row[]> {
    const result = await pool.query<Row>({ name, text: sql[name], values })
    return result.rows
  }
}

interface ById {
  Params: { id: string }
}

/** Whoever calls while a load is under way shares it. */
function oneAtATime<T>(load: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= load().finally(() => (running = undefined))
    return running
  }
}

function limited(perMinute: number) {
  return { rateLimit: { max: perMinute, timeWindow: 60_000 } }
}

/** Not for what runs on this machine, which is the operator's own. */
function costly(perMinute: number) {
  return { rateLimit: { ...limited(perMinute).rateLimit, allowList: ['127.0.0.1'] } }
}
