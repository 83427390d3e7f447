import { fromNodeRedis, type RedisLike } from 'hotpath'
import { createCache } from 'hotpath/cache'
import { Pool } from 'pg'
import { createClient } from 'redis'
import type { User } from '../../api/contract.ts'
import { sql } from '../../api/sql.ts'
import { userTag } from '../../api/tags.ts'
import { createResponseCache } from '../../builds/usual-cache.ts'
import { settings } from '../../settings.ts'
import { interleave } from '../per-build.ts'
import type { ProofRow } from '../row.ts'

const callers = 1_000
const { ttlMs, maxConnections } = settings

export const row: ProofRow = {
  id: 'stampede',
  order: 35,
  what: `Stampede: loads for ${callers.toLocaleString('en-US')} callers of a cold key`,
  unit: 'calls',
  better: 'lower',
  claimed: '–',
  budgetMs: 1_000,
  async measure({ databaseUrl, redisUrl, catalogue, rounds, signal }) {
    await using closing = new AsyncDisposableStack()
    const pool = closing.adopt(
      new Pool({ connectionString: databaseUrl, max: maxConnections }),
      (opened) => opened.end(),
    )
    let loads = 0
    const load = async (id: number) => {
      loads++
      const { rows } = await pool.query<User>({ name: 'user', text: sql.user, values: [id] })
      return rows[0]
    }

    const usual = closing.adopt(
      await createResponseCache({
        redisUrl,
        readDataVersion: async () => 'stampede',
        onError: () => {},
      }),
      (cache) => cache.close(),
    )
    const redis = redisUrl === undefined ? undefined : await connect(redisUrl, closing)
    const hotpath = closing.use(createCache<User | undefined>({ name: 'stampede', ttlMs, redis }))
    const ask = {
      naive: load,
      usual: (id: number) =>
        usual.getOrLoad(`user:${id}`, ttlMs, async () => ({
          json: JSON.stringify(await load(id)),
          tags: [userTag(id)],
        })),
      hotpath: (id: number) =>
        hotpath.getOrSet(`user:${id}`, () => load(id), { tags: [userTag(id)] }),
    }
    return {
      rounds: await interleave(rounds, async (build, round) => {
        signal.throwIfAborted()
        loads = 0
        // Another user in each round, whom nobody has asked this cache for.
        const id = catalogue.users[round % catalogue.users.length] ?? 1
        await Promise.all(Array.from({ length: callers }, () => ask[build](id)))
        return loads
      }),
      notes: [
        `Stampede: queries made for ${callers.toLocaleString('en-US')} callers at once, in one process, by the caches of the builds (naive has none${redisUrl === undefined ? '' : '; the others with Redis'}); over HTTP the naive build would run out of connections to PostgreSQL.`,
      ],
    }
  },
}

async function connect(url: string, closing: AsyncDisposableStack): Promise<RedisLike> {
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  closing.defer(() => client.destroy())
  return fromNodeRedis(client)
}
