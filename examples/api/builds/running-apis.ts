import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { useDatabase, useRedis } from '../../../test/services.ts'
import type { Build, BuildOptions } from '../api/contract.ts'
import { writeGeneratedDump } from '../data/generate.ts'
import { importDump } from '../data/importer.ts'
import { migrate } from '../data/migrate.ts'
import { startNetwork, type Network } from '../network/stand-in.ts'
import { build as buildHotpath } from './hotpath.ts'
import { build as buildNaive } from './naive.ts'
import { build as buildUsual } from './usual.ts'

/** The builds that cache, by the name that tests give them. */
export const cachedBuilds = ['usual', 'hotpath', 'usual with Redis', 'hotpath with Redis']

/** A build that listens, and the requests that a test makes of it. */
export class RunningApi {
  readonly origin: string
  readonly close: () => Promise<void>

  static async start(build: Build, options: BuildOptions): Promise<RunningApi> {
    const app = await build(options)
    return new RunningApi(await app.listen({ port: 0, host: '127.0.0.1' }), () => app.close())
  }

  private constructor(origin: string, close: () => Promise<void>) {
    this.origin = origin
    this.close = close
  }

  async get(path: string): Promise<Answer> {
    return readAnswer(await this.fetch(path))
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.origin + path, init)
  }

  async send(method: 'PATCH' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const headers = { 'content-type': 'application/json' }
    return readAnswer(await fetch(this.origin + path, { method, headers, body: text }))
  }
}

export interface Answer {
  readonly status: number
  readonly type: string | null
  readonly body: string
}

async function readAnswer(response: Response): Promise<Answer> {
  const type = response.headers.get('content-type')
  return { status: response.status, type, body: await response.text() }
}

/** All builds over one database with a small generated site, for the tests of one file. */
export async function useApis() {
  const { url } = await useDatabase()
  const { url: redisUrl } = useRedis()
  const database = new Pool({ connectionString: url, max: 2 })
  const apis = new Map<string, RunningApi>()
  let network: Network | undefined

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hotpath-builds-'))
    await migrate(url)
    await writeGeneratedDump(folder, { users: 60, posts: 400, seed: 11 })
    await importDump(url, folder)
    await rm(folder, { recursive: true })
    await database.query(
      `insert into users (id, name, reputation, created_at) values (9000, 'silent', 1, now())`,
    )
    network = await startNetwork()
    const inMemory = { databaseUrl: url, networkUrl: network.url }
    const inRedis = { ...inMemory, redisUrl }
    apis.set('naive', await RunningApi.start(buildNaive, inMemory))
    apis.set('usual', await RunningApi.start(buildUsual, inMemory))
    apis.set('hotpath', await RunningApi.start(buildHotpath, inMemory))
    apis.set('usual with Redis', await RunningApi.start(buildUsual, inRedis))
    apis.set('hotpath with Redis', await RunningApi.start(buildHotpath, inRedis))
    apis.set('usual beside it', await RunningApi.start(buildUsual, inRedis))
    apis.set('hotpath beside it', await RunningApi.start(buildHotpath, inRedis))
  })
  afterAll(async () => {
    await Promise.all([...apis.values()].map((api) => api.close()))
    await database.end()
    await network?.close()
  })

  return {
    url,
    database,
    api(name: string): RunningApi {
      const api = apis.get(name)
      if (api === undefined) throw new Error(`there is no build ${name}`)
      return api
    },
    /** The first column of what a query finds. */
    async column<T>(sql: string, values: unknown[] = []): Promise<T[]> {
      const { rows } = await database.query<[T]>({ text: sql, values, rowMode: 'array' })
      return rows.map(([value]) => value)
    },
  }
}
