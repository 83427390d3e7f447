import { runInRequest } from 'hotpath'
import { createLoader, createPool, loadBy, type PostgresPool } from 'hotpath/postgres'
import type { Client } from 'pg'
import { pageSize, sql } from '../../api/sql.ts'
import { comparedAuthors } from '../identical.ts'
import { timeOneByOne } from '../load/one-by-one.ts'
import type { LoadRequest } from '../load/request.ts'
import { interleave } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { median } from '../statistics.ts'
import { formatFigure, formatGain } from '../table.ts'
import { withClient } from '../with-client.ts'

/** Of the budget, what the naive build's share of the rounds may take; it needs most of it. */
const naiveShare = 0.8

/** Pages a round is never longer than, however fast the machine. */
const mostPages = 100

/** Pages of other authors, for the compiler to see the path that is measured. */
const warmUpPages = 200

export const row: ProofRow = {
  id: 'query',
  order: 20,
  what: "Queries: a user's posts, N+1 or JOIN, not cached",
  unit: 'ms',
  better: 'lower',
  claimed: '1,000 → 50 ms (20×)',
  budgetMs: 6_000,
  async measure({ ports, databaseUrl, catalogue, rounds, budgetMs, signal }) {
    const [first = 0, ...authors] = catalogue.authors.slice(comparedAuthors)
    const [naiveMs = 1] = await timeOneByOne(ports.naive, [postsOf(first)], signal)
    const fitting = Math.floor((naiveShare * budgetMs) / naiveMs / rounds)
    const pages = Math.max(1, Math.min(fitting, mostPages, Math.floor(authors.length / rounds)))
    for (const port of [ports.usual, ports.hotpath]) {
      const others = authors.slice(pages * rounds).slice(-warmUpPages)
      await timeOneByOne(port, others.map(postsOf), signal)
    }
    const measured = await interleave(rounds, async (build, round) => {
      // In each round authors that nobody has asked this build for: its cache cannot help.
      const cold = authors.slice(round * pages, (round + 1) * pages)
      return median(await timeOneByOne(ports[build], cold.map(postsOf), signal))
    })
    return {
      rounds: measured,
      notes: [await compareStatements(databaseUrl, authors.slice(0, pages * rounds), signal)],
    }
  },
}

function postsOf(userId: number): LoadRequest {
  return { method: 'GET', path: `/api/users/${userId}/posts` }
}

/** The same ways, and one more, without the cost of connecting, which the naive build pays for each query. */
function compareStatements(
  databaseUrl: string,
  authors: readonly number[],
  signal: AbortSignal,
): Promise<string> {
  const time = async (run: (id: number) => Promise<unknown>) => {
    const tookMs: number[] = []
    for (const id of authors) {
      signal.throwIfAborted()
      const startMs = performance.now()
      await run(id)
      tookMs.push(performance.now() - startMs)
    }
    return median(tookMs)
  }
  return withClient(databaseUrl, async (client) => {
    const values = (id: number) => [id, 'infinity', 2 ** 31 - 1]
    const joinMs = await time((id) => client.query(sql.userPosts, values(id)))
    const severalMs = await time((id) => readOneByOne(client, id))
    await using pool = createPool(databaseUrl, { maxConnections: 1 })
    const readLoaded = loadedReader(pool)
    await readLoaded(authors[0] ?? 0)
    const loaderMs = await time(readLoaded)
    return `Over one connection that is open already, the same page takes ${formatFigure(severalMs)} ms as N+1, ${formatFigure(loaderMs)} ms with loaders and ${formatFigure(joinMs)} ms as a JOIN (${formatGain(severalMs / joinMs)}).`
  })
}

/** N+1 as it is written, with a loader in place of each query: what a request asks for one by one goes together. */
function loadedReader(pool: PostgresPool): (userId: number) => Promise<unknown> {
  const posts = createLoader(loadBy<object>(pool, { table: 'posts', column: 'id' }))
  const users = createLoader(loadBy<object>(pool, { table: 'users', column: 'id' }))
  return (userId) =>
    runInRequest({ route: '/' }, async () => {
      const { rows } = await pool.query<PostRow>(newestPosts, [userId])
      await Promise.all(
        rows.map(async ({ parent_id, owner_id }) => {
          if (parent_id !== null) await posts.load(parent_id)
          await users.load(owner_id)
        }),
      )
    })
}

interface PostRow {
  readonly parent_id: number | null
  readonly owner_id: number
}

const newestPosts = `
  SELECT * FROM posts WHERE owner_id = $1 AND status = 'published'
  ORDER BY created_at DESC, id DESC LIMIT ${pageSize}`

async function readOneByOne(client: Client, userId: number): Promise<void> {
  const { rows } = await client.query<PostRow>(newestPosts, [userId])
  for (const { parent_id, owner_id } of rows) {
    if (parent_id !== null) await client.query('SELECT * FROM posts WHERE id = $1', [parent_id])
    await client.query('SELECT * FROM users WHERE id = $1', [owner_id])
  }
}
