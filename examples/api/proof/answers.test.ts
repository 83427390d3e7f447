import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../../test/services.ts'
import { build } from '../builds/usual.ts'
import { writeGeneratedDump } from '../data/generate.ts'
import { importDump } from '../data/importer.ts'
import { migrate } from '../data/migrate.ts'
import { readCatalogue, type Catalogue } from './catalogue.ts'
import { compareBuilds } from './identical.ts'
import { countStale } from './stale.ts'

// The usual build stands for one that answers rightly; a proxy in front of it does not.
const { url: databaseUrl } = await useDatabase()
const { signal } = new AbortController()
const proxies: Server[] = []
let app: FastifyInstance
let right: number
let catalogue: Catalogue

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-answers-'))
  await migrate(databaseUrl)
  await writeGeneratedDump(folder, { users: 40, posts: 200, seed: 3 })
  await importDump(databaseUrl, folder)
  await rm(folder, { recursive: true })
  catalogue = await readCatalogue(databaseUrl)
  app = await build({ databaseUrl })
  await app.listen({ port: 0, host: '127.0.0.1' })
  right = (app.server.address() as AddressInfo).port
})
afterAll(async () => {
  for (const proxy of proxies) proxy.close()
  await app.close()
})

describe('comparing the builds', () => {
  test('finds nothing between builds that agree', async () => {
    const ports = { naive: right, usual: right, hotpath: right }
    const { checked, different } = await compareBuilds(ports, catalogue, signal, () => {})
    expect(different).toEqual([])
    expect(checked).toBeGreaterThan(150)
  })

  test('names the requests that a build answers differently, once or only from its cache', async () => {
    const seen = new Map<string, number>()
    const wrong = await startProxy(async (path, fetched) => {
      const time = (seen.get(path) ?? 0) + 1
      seen.set(path, time)
      if (path === '/api/stats/tags') return { ...(await fetched()), statusCode: 203 }
      if (path === '/api/questions' && time === 2) return { ...(await fetched()), body: '{}' }
      return fetched()
    })
    const ports = { naive: right, usual: right, hotpath: wrong }
    const { different } = await compareBuilds(ports, catalogue, signal, () => {})
    expect(different.toSorted()).toEqual(['GET /api/questions', 'GET /api/stats/tags'])
  })
})

describe('counting stale answers', () => {
  const options = () => ({ databaseUrl, catalogue, durationMs: 1_000, signal })

  test('none where every read shows the last write', async () => {
    const { checked, stale } = await countStale({ ...options(), port: right })
    expect(stale).toBe(0)
    expect(checked).toBeGreaterThan(10)
  })

  test('catches a cache that no write empties', async () => {
    const kept = new Map<string, Promise<Reply>>()
    const forgetful = await startProxy((path, fetched, method) => {
      if (method !== 'GET') return fetched()
      const reply = kept.get(path) ?? fetched()
      kept.set(path, reply)
      return reply
    })
    const { checked, stale } = await countStale({ ...options(), port: forgetful })
    expect(stale).toBeGreaterThan(checked / 2)
  })

  test('catches a cache that keeps what a read had begun to load before the write', async () => {
    const kept = new Map<string, Reply>()
    const racy = await startProxy(async (path, fetched, method) => {
      const hit = method === 'GET' ? kept.get(path) : undefined
      if (hit !== undefined) return hit
      const reply = await fetched()
      if (method === 'GET') setTimeout(() => kept.set(path, reply), 20)
      else kept.clear()
      return reply
    })
    const { stale } = await countStale({ ...options(), port: racy })
    expect(stale).toBeGreaterThan(0)
  })
})

interface Reply {
  readonly statusCode: number
  readonly body: string
}

type Answer = (path: string, fetched: () => Promise<Reply>, method: string) => Promise<Reply>

/** A server that answers through `answer`, which may ask the right build. */
async function startProxy(answer: Answer): Promise<number> {
  const proxy = createServer((request, response) => {
    const fetched = () => forward(request)
    void answer(request.url ?? '', fetched, request.method ?? '').then(({ statusCode, body }) => {
      response.writeHead(statusCode, { 'content-type': 'application/json' }).end(body)
    })
  })
  proxies.push(proxy)
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return (proxy.address() as AddressInfo).port
}

async function forward(request: IncomingMessage): Promise<Reply> {
  const { method = 'GET', url = '' } = request
  const isWrite = method !== 'GET'
  const response = await fetch(`http://127.0.0.1:${right}${url}`, {
    method,
    ...(isWrite
      ? { body: await text(request), headers: { 'content-type': 'application/json' } }
      : {}),
  })
  return { statusCode: response.status, body: await response.text() }
}
