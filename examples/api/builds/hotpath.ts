import type { FastifyInstance, FastifyRequest } from 'fastify'
import { components, fromNodeRedis } from 'hotpath'
import { fetchAll } from 'hotpath/batch'
import {
  hotpath,
  type CachedRouteOptions,
  type CacheRequest,
  type LimitOptions,
  type ResponseCacheOptions,
} from 'hotpath/fastify'
import { createPool } from 'hotpath/postgres'
import { createWorkers } from 'hotpath/workers'
import { createClient } from 'redis'
import { accountUrl, sites, type Accounts } from '../api/accounts.ts'
import { createApp, trustedProxies } from '../api/app.ts'
import type { Build, BuildOptions, DataCounts, User, Vote } from '../api/contract.ts'
import { readCursor } from '../api/cursor.ts'
import { readDataVersion } from '../api/data-version.ts'
import { errorBody, notFound, tooManyRequests } from '../api/errors.ts'
import { readId } from '../api/ids.ts'
import { redisBeginning } from '../api/redis.ts'
import type * as relations from '../api/related-tags.ts'
import * as rows from '../api/rows.ts'
import { schemas } from '../api/schemas.ts'
import { sql } from '../api/sql.ts'
import * as tags from '../api/tags.ts'
import { settings } from '../settings.ts'
import { addUploads } from './hotpath-uploads.ts'

const { maxConnections, maxCacheEntries, maxCacheBytes, ttlMs, tagStatsTtlMs } = settings

/** The API on hotpath. */
export const build: Build = (options) => createApp(options, addRoutes)

async function addRoutes(app: FastifyInstance, options: BuildOptions): Promise<void> {
  const pool = createPool(options.databaseUrl, { name: 'questions', maxConnections })
  app.addHook('onClose', () => pool.close())
  const relating = createWorkers<typeof relations>(
    new URL('../api/related-tags.ts', import.meta.url),
    { name: 'related-tags', ...settings.relating },
  )
  app.addHook('onClose', () => relating.close())
  await app.register(hotpath, {
    cache: {
      name: 'pages',
      ttlMs,
      memory: { maxEntries: maxCacheEntries, maxBytes: maxCacheBytes },
      // One compressed copy of each page, in the coding that every client reads.
      compress: { encodings: ['gzip'] },
      ...(options.redisUrl === undefined
        ? {}
        : await inRedis(app, options.redisUrl, await readDataVersion(pool))),
    },
    compress: true,
    budgets: options.isJudged ?? false,
    trustProxy: trustedProxies,
  })

  app.get<ById>(
    '/api/users/:id',
    { schema: schemas.user, config: cached({ tags: ofUser, query: [] }) },
    async (request) => {
      const id = readId(request.params.id)
      const user = (await pool.query<User>(sql.user, [id])).rows[0]
      if (user === undefined) throw notFound(`user ${id}`)
      return user
    },
  )

  app.patch<ById & { Body: { name: string } }>(
    '/api/users/:id',
    { schema: schemas.rename, config: { hotpath: { limit: costly(settings.writesPerMinute) } } },
    async (request) => {
      const id = readId(request.params.id)
      const user = (await pool.query<User>(sql.rename, [id, request.body.name])).rows[0]
      if (user === undefined) throw notFound(`user ${id}`)
      await app.hotpath.invalidateTags([tags.userTag(id)])
      return user
    },
  )

  app.get<ById & { Querystring: { cursor?: string } }>(
    '/api/users/:id/posts',
    { schema: schemas.userPosts, config: cached({ tags: ofUser, query: ['cursor'] }) },
    async (request, reply) => {
      const id = readId(request.params.id)
      const after = readCursor(request.query.cursor)
      const found = await pool.query<rows.UserPostRow>(sql.userPosts, [
        id,
        after.createdAt,
        after.id,
      ])
      const page = rows.userPosts(found.rows)
      if (page === undefined) throw notFound(`user ${id}`)
      reply.cacheTags(tags.ofUserPosts(id, page))
      return page
    },
  )

  if (options.dataFolder !== undefined) await addUploads(app, pool, options.dataFolder)
  const { networkUrl } = options
  if (networkUrl !== undefined) {
    app.get<ById>('/api/users/:id/accounts', { schema: schemas.accounts }, async (request) => {
      const id = readId(request.params.id)
      const answers = await fetchAll<'json'>(
        sites.map((site) => accountUrl(networkUrl, site, id)),
        // One who waits for a page is not kept waiting by a second attempt.
        { concurrency: sites.length, timeoutMs: settings.siteTimeoutMs, retries: 0 },
      )
      const found: Accounts = { accounts: [], unavailable: [] }
      for (const [index, answer] of answers.entries()) {
        const site = sites[index] ?? ''
        if (answer.ok) found.accounts.push({ site, ...(answer.value as { reputation: number }) })
        else found.unavailable.push(site)
      }
      return found
    })
  }

  app.get<{ Querystring: { tag?: string; cursor?: string } }>(
    '/api/questions',
    { schema: schemas.questions, config: cached({ query: ['tag', 'cursor'] }) },
    async (request, reply) => {
      const { tag, cursor } = request.query
      const after = readCursor(cursor)
      const from = [after.createdAt, after.id]
      const found = tag
        ? await pool.query<rows.QuestionRow>(sql.questionsByTag, [tag, ...from])
        : await pool.query<rows.QuestionRow>(sql.questions, from)
      const page = rows.questionList(found.rows)
      reply.cacheTags(tags.ofQuestionList(page))
      return page
    },
  )

  app.get<ById>(
    '/api/questions/:id',
    { schema: schemas.question, config: cached({ tags: ofQuestion, query: [] }) },
    async (request, reply) => {
      const id = readId(request.params.id)
      const page = rows.question((await pool.query<rows.ThreadRow>(sql.thread, [id])).rows)
      if (page === undefined) throw notFound(`question ${id}`)
      reply.cacheTags(tags.ofQuestion(id, page))
      return page
    },
  )

  app.post<ById & { Body: { value: number } }>(
    '/api/questions/:id/votes',
    { schema: schemas.vote, config: { hotpath: { limit: costly(settings.writesPerMinute) } } },
    async (request) => {
      const id = readId(request.params.id)
      const vote = (await pool.query<Vote>(sql.vote, [id, request.body.value])).rows[0]
      if (vote === undefined) throw notFound(`question ${id}`)
      await app.hotpath.invalidateTags([tags.questionTag(id)])
      return vote
    },
  )

  const data = (await pool.query<DataCounts>(sql.data)).rows[0]
  app.get(
    '/api/data',
    { schema: schemas.data, config: { hotpath: { limit: limited(settings.dataPerMinute) } } },
    async () => data,
  )

  app.get('/api/stats/tags', { schema: schemas.tagStats, config: statistics() }, async () => ({
    tags: (await pool.query(sql.tagStats)).rows,
  }))

  app.get(
    '/api/stats/tags/related',
    { schema: schemas.relatedTags, config: statistics() },
    async () => {
      const found = await pool.query<rows.QuestionTagsRow>(sql.questionTags)
      return { tags: await relating.run('relatedTags', found.rows[0]?.questions ?? '') }
    },
  )

  app.get('/hotpath/stats', () =>
    components().map(({ kind, name, stats }) => ({ kind, name, stats: stats() })),
  )
}

interface ById {
  Params: { id: string }
}

/** Nobody logs in here: a page is the same for everybody. That there is none is kept as well. */
function cached(cache: CachedRouteOptions<CacheRequest>) {
  return { hotpath: { cache: { isPublic: true, notFoundTtlMs: ttlMs, ...cache } } }
}

/** Kept for long, and each with a limit of its own. */
function statistics() {
  const { hotpath } = cached({ ttlMs: tagStatsTtlMs, query: [] })
  return { hotpath: { ...hotpath, limit: costly(settings.tagStatsPerMinute) } }
}

function limited(perMinute: number): LimitOptions<FastifyRequest> {
  return { policy: `${perMinute}/minute`, answer: refusal }
}

/** Not for what runs on this machine, which is the operator's own. */
function costly(perMinute: number): LimitOptions<FastifyRequest> {
  return { ...limited(perMinute), allow: ['loopback'] }
}

/** In the shape that all failures of the API have. */
function refusal() {
  const { statusCode, message } = tooManyRequests()
  return { body: errorBody(statusCode, message) }
}

function ofUser({ params }: CacheRequest): string[] {
  return [tags.userTag(Number(params.id))]
}

function ofQuestion({ params }: CacheRequest): string[] {
  return [tags.questionTag(Number(params.id))]
}

async function inRedis(
  app: FastifyInstance,
  url: string,
  dataVersion: string,
): Promise<ResponseCacheOptions> {
  const { socket, connect } = redisBeginning()
  const client = createClient({ url, socket, disableOfflineQueue: true })
  client.on('error', (error) => app.log.error(error))
  await connect(client)
  app.addHook('onClose', () => client.destroy())
  return { redis: fromNodeRedis(client), namespace: `hotpath:${dataVersion}` }
}
