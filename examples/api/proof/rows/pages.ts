import { createPool, keyset, type PostgresPool } from 'hotpath/postgres'
import type { Client } from 'pg'
import { interleave } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { median } from '../statistics.ts'
import { withClient } from '../with-client.ts'

const mostPages = 1_000
const mostRows = 20
/** Times that a page is read in each round. */
const readsPerRound = 15

const questions = `
  select id, title, created_at from posts where kind = 'question' and status = 'published'`
const newestFirst = 'order by created_at desc, id desc'
const orderBy = [
  { column: 'created_at', direction: 'desc' },
  { column: 'id', direction: 'desc' },
] as const

type Read = () => Promise<number>

export const row: ProofRow = {
  id: 'pages',
  order: 25,
  what: 'Pages: one far down a list, by OFFSET or by key',
  unit: 'ms',
  better: 'lower',
  claimed: '–',
  budgetMs: 1_500,
  async measure({ databaseUrl, rounds, signal }) {
    return withClient(databaseUrl, async (client) => {
      await using pool = createPool(databaseUrl, { maxConnections: 1 })
      const far = await findPage(client)
      const ways = {
        naive: byOffset(client, far),
        usual: byHand(client, far),
        hotpath: await byKeyset(pool, far),
      }
      const run = async (read: Read) => {
        const tookMs: number[] = []
        for (let i = 0; i < readsPerRound; i++) {
          signal.throwIfAborted()
          const startMs = performance.now()
          if ((await read()) !== far.size) throw new Error('the page is not whole')
          tookMs.push(performance.now() - startMs)
        }
        return median(tookMs)
      }
      for (const read of Object.values(ways)) await run(read)
      return {
        rounds: await interleave(rounds, (build) => run(ways[build])),
        notes: [
          `Pages: page ${far.page.toLocaleString('en-US')} of all questions, ${far.size} on each, over one connection; naive skips those before it, usual compares keys by hand, hotpath has cursors made by keyset().`,
        ],
      }
    })
  },
}

/** A page, and the row before it. */
interface FarPage {
  readonly page: number
  readonly size: number
  readonly last: LastRow
}

interface LastRow {
  readonly id: number
  /** With all its digits. */
  readonly createdAt: string
}

/** The thousandth page, or the last whole one of a smaller site. */
async function findPage(client: Client): Promise<FarPage> {
  const counted = await client.query<{ n: number }>(
    `select count(*)::int as n from (${questions}) as q`,
  )
  const count = counted.rows[0]?.n ?? 0
  const size = Math.min(mostRows, Math.floor(count / 2))
  const page = Math.min(mostPages, Math.floor(count / size))
  const { rows } = await client.query<LastRow>(
    `select id, created_at::text as "createdAt" from (${questions}) as q
     ${newestFirst} offset $1 limit 1`,
    [(page - 1) * size - 1],
  )
  const [last] = rows
  if (last === undefined) throw new Error('there are too few questions for two pages')
  return { page, size, last }
}

function byOffset(client: Client, { page, size }: FarPage): Read {
  const text = `${questions} ${newestFirst} limit ${size} offset $1`
  return async () => (await client.query(text, [(page - 1) * size])).rows.length
}

function byHand(client: Client, { size, last }: FarPage): Read {
  const { createdAt, id } = last
  const text = `${questions} and (created_at, id) < ($1, $2) ${newestFirst} limit ${size}`
  return async () =>
    (await client.query({ name: 'page', text, values: [createdAt, id] })).rows.length
}

/** The first page from the row on ends with it, and tells where the next one begins. */
async function byKeyset(pool: PostgresPool, { size, last }: FarPage): Promise<Read> {
  const { createdAt, id } = last
  const before = keyset({ orderBy, limit: 1 })
  const from = `${questions} and (created_at, id) <= ($1, $2)`
  const { next } = await before.query(pool, from, [createdAt, id])
  const page = keyset({ orderBy, limit: size, after: next ?? undefined })
  return async () => (await page.query(pool, questions, [])).rows.length
}
