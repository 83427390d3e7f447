import { isDeepStrictEqual } from 'node:util'
import { Random } from '../data/random.ts'
import type { Catalogue } from './catalogue.ts'
import { ask, type Answer } from './json-client.ts'
import type { LoadRequest } from './load/request.ts'
import type { PerBuild } from './per-build.ts'

/** What comparing the builds' answers came to. */
export interface Comparison {
  readonly checked: number
  /** The requests that the builds answered differently. */
  readonly different: readonly string[]
}

/** Requests under way at once; the naive build opens a connection for each query of each. */
const concurrency = 6

/** The most active authors, whose pages are compared; a row that wants cold pages leaves them out. */
export const comparedAuthors = 3

/** How many pages to turn after a first one. */
const pagesToTurn = 1

/**
 * Sends the same requests to all builds, before any of them has written, and compares status and
 * JSON. Cursors are followed as the builds hand them out.
 */
export async function compareBuilds(
  ports: PerBuild<number>,
  catalogue: Catalogue,
  signal: AbortSignal,
  onProgress: (doneRatio: number) => void,
): Promise<Comparison> {
  const waiting = sampleRequests(catalogue).map((request) => ({ request, turned: 0 }))
  const different: string[] = []
  let checked = 0

  const isAnsweredLike = async (expected: Answer, request: LoadRequest) => {
    // Twice each: the second answer comes from the cache.
    for (const port of [ports.usual, ports.hotpath, ports.usual, ports.hotpath]) {
      if (!isDeepStrictEqual(await ask(port, request, signal), expected)) return false
    }
    return true
  }

  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { request, turned } = next
      const first = await ask(ports.naive, request, signal)
      checked++
      if (!(await isAnsweredLike(first, request))) {
        different.push(`${request.method} ${request.path}`)
      }
      const cursor = nextCursor(first)
      if (cursor !== undefined && turned < pagesToTurn) {
        waiting.push({ request: withCursor(request, cursor), turned: turned + 1 })
      }
      onProgress(checked / (checked + waiting.length))
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return { checked, different }
}

/** Popular and unpopular, missing and malformed: every route, every way to answer. */
export function sampleRequests(catalogue: Catalogue): LoadRequest[] {
  const random = new Random(20)
  const sample = <T>(ranked: readonly T[], count: number): T[] => {
    const drawn = Array.from({ length: count }, () => ranked[random.below(ranked.length)] as T)
    return [...new Set([...ranked.slice(0, count), ...drawn])]
  }
  const users = sample(catalogue.users, 80)
  const questions = sample(catalogue.questions, 8)
  const missing = [2 ** 31 - 1, ...sample(absentIds, 5)]
  const get = (path: string): LoadRequest => ({ method: 'GET', path })

  return [
    ...[...users, ...missing, ...malformedIds].map((id) => get(`/api/users/${id}`)),
    ...[...questions, ...missing, ...malformedIds].map((id) => get(`/api/questions/${id}`)),
    ...[
      ...catalogue.authors.slice(0, comparedAuthors),
      ...missing.slice(0, 2),
      ...malformedIds,
    ].map((id) => get(`/api/users/${id}/posts`)),
    ...[...users.slice(0, 3), ...malformedIds].map((id) => get(`/api/users/${id}/accounts`)),
    get('/api/questions'),
    ...[...sample(catalogue.tags, 1), 'no such tag', ''].map((tag) =>
      get(`/api/questions?tag=${encodeURIComponent(tag)}`),
    ),
    ...malformedCursors.flatMap((cursor) => [
      get(`/api/questions?cursor=${cursor}`),
      get(`/api/users/${catalogue.authors[0]}/posts?cursor=${cursor}`),
    ]),
    get('/api/data'),
    get('/api/stats/tags'),
    get('/api/stats/tags/related'),
    get('/api/nothing'),
    ...refusedWrites(catalogue),
  ]
}

const absentIds = [1_999_999_999, 1_888_888_888, 1_777_777_777]
const malformedIds = ['abc', '0', '-1', '1.5', '01', '1e3', '2147483648', '9'.repeat(30), '%20']
const malformedCursors = ['x', '!!', 'MTIz', 'bm90IGEgY3Vyc29y', 'a'.repeat(65)]

/** Writes that change nothing: the builds share one database, and must be compared as it is. */
function refusedWrites({ users, questions }: Catalogue): LoadRequest[] {
  const rename = (id: unknown, body: string): LoadRequest => ({
    method: 'PATCH',
    path: `/api/users/${id}`,
    body,
  })
  const vote = (id: unknown, body: string): LoadRequest => ({
    method: 'POST',
    path: `/api/questions/${id}/votes`,
    body,
  })
  const named = JSON.stringify({ name: 'Nobody' })
  const up = JSON.stringify({ value: 1 })
  return [
    ...['{}', '{"name":""}', '{"name":"\\u0000"}', '{', '[]'].map((body) => rename(users[0], body)),
    ...[absentIds[0], ...malformedIds].map((id) => rename(id, named)),
    ...['{}', '{"value":0}', '{"value":"up"}', '{', '[]'].map((body) => vote(questions[0], body)),
    ...[absentIds[0], ...malformedIds].map((id) => vote(id, up)),
  ]
}

function nextCursor(answer: Answer | undefined): string | undefined {
  const { nextCursor } = (answer?.body ?? {}) as { nextCursor?: unknown }
  return typeof nextCursor === 'string' ? nextCursor : undefined
}

function withCursor({ method, path }: LoadRequest, cursor: string): LoadRequest {
  const url = new URL(path, 'http://any')
  url.searchParams.set('cursor', cursor)
  return { method, path: `${url.pathname}${url.search}` }
}
