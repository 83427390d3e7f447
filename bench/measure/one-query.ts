import type { FastifyInstance } from 'fastify'
import type { Contender, HttpWorkload, Services } from '../kit/bench.ts'
import { serveFastify } from '../kit/cached-route.ts'

// What the benches of watching have in common: a route that asks PostgreSQL for a user, and one that
// asks for ten, one after the other.

const maxConnections = 10
const userCount = 1_000
const findUser = 'select id, name, email, reputation from users where id = $1'

export const settings: readonly string[] = [
  `Fastify, and a pool of hotpath with ${maxConnections} connections, in one process on one core`,
  '32 keep-alive connections, each with one request at a time; the CPU is that of the server alone',
]

export async function createUsers({ url }: Services): Promise<void> {
  const { Client } = await import('pg')
  const client = new Client({ connectionString: url('postgres') })
  await client.connect()
  await client.query(`create table users as
    select id, 'User ' || id as name, 'user' || id || '@example.com' as email, id * 7 as reputation
    from generate_series(1, ${userCount}) as id`)
  await client.query('alter table users add primary key (id)')
  await client.query('analyze users')
  await client.end()
}

/** @param watch - what is to watch the app; returns how to end it, where it is no plugin */
export function watchedBy(watch: (app: FastifyInstance) => unknown = () => undefined): Contender {
  return async ({ url }) => {
    const { createPool } = await import('hotpath/postgres')
    const pool = createPool(url('postgres'), { maxConnections })
    return serveFastify(async (app) => {
      await watch(app)
      app.addHook('onClose', () => pool.end())
      app.get('/user', async () => (await pool.query(findUser, [7])).rows[0])
      app.get('/users', async () => {
        const users: unknown[] = []
        for (let id = 1; id <= 10; id++) {
          users.push((await pool.query(findUser, [id])).rows[0])
        }
        return users
      })
    })
  }
}

export function route(about: string, path: string, sliceMs: number): HttpWorkload {
  return {
    kind: 'http',
    about,
    path,
    connections: 32,
    pipelining: 1,
    warmupMs: 150,
    sliceMs,
    latencySliceMs: 150,
  }
}
